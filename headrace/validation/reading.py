"""Raw parts as they lie on disk: which columns they have, of which types, and their rows in batches."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.types import type_kind
from headrace.errors import DataError, IntegrityError
from headrace.storage import list_parts
from headrace.words import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from headrace.declaration.rows import Schema

BATCH_ROWS = 200_000
"""Rows judged at once: fewer cost Pandera's and DuckDB's overhead again and again, more cost memory."""

TO_NUMBERS = {"integer", "float", "decimal", "boolean"}
CONVERTIBLE = {
    "text": {"string", "category", "timestamp", "date", *TO_NUMBERS},
    "integer": {"string", "category", *TO_NUMBERS},
    "decimal": {"string", "category", *TO_NUMBERS},
    "float": TO_NUMBERS,  # not to text: 17 would come out as 17.0, and an identifier as another one
    "boolean": {"string", "category", *TO_NUMBERS},
    "timestamp": {"timestamp", "date"},
    "date": {"timestamp", "date"},
    "nothing": {"string", "category", "timestamp", "date", *TO_NUMBERS},
}
"""Which declared types the values of a raw type may become, one by one, without loss."""


@dataclass(frozen=True)
class RawPart:
    """A file of raw rows."""

    name: str
    path: Path
    rows: int
    columns: tuple[str, ...]
    """The declared ones, in their declared order."""
    surplus: tuple[str, ...]
    """The others, which are left out."""


@dataclass(frozen=True)
class Slice:
    """Consecutive rows of a part within a batch."""

    part: RawPart
    first_row: int
    """The number in the part of the first of them, counted from 1."""
    offset: int
    """Where they start in the batch."""
    rows: int


@dataclass(frozen=True)
class Batch:
    """Rows of one part or several that have the same raw types."""

    rows: pa.Table
    slices: list[Slice]


def raw_kind(arrow: pa.DataType) -> str | None:
    """Return the kind of a raw column: a key of `CONVERTIBLE`, or None where its values are no single ones."""
    if pa.types.is_dictionary(arrow):
        return raw_kind(arrow.value_type)
    kinds = {
        "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "integer": (pa.types.is_integer,),
        "float": (pa.types.is_floating,),
        "decimal": (pa.types.is_decimal,),
        "boolean": (pa.types.is_boolean,),
        "timestamp": (pa.types.is_timestamp,),
        "date": (pa.types.is_date,),
        "nothing": (pa.types.is_null,),
    }
    return next((kind for kind, tests in kinds.items() if any(test(arrow) for test in tests)), None)


def inspect_parts(raw: Path, schema: Schema) -> list[RawPart]:
    """Return the parts of a folder, in order of their days, by what their footers say.

    Raises:
        DataError: a column is missing or of a type that cannot become the declared one; a line for each such column.
        IntegrityError: a file is not whole.
    """
    files = list_parts(raw)
    if not files:
        raise DataError(f"{raw}: holds no rows (not one .parquet file); run the ingest stage first")
    parts = []
    problems: dict[str, list[Path]] = defaultdict(list)
    for name, path in files.items():
        with _whole_file(path):
            metadata = pq.read_metadata(path)
        arrow = metadata.schema.to_arrow_schema()
        surplus = tuple(column for column in arrow.names if column not in schema.columns)
        for problem in _column_problems(arrow, surplus, schema):
            problems[problem].append(path)
        parts.append(RawPart(name, path, metadata.num_rows, tuple(schema.columns), surplus))
    if problems:
        raise DataError("\n".join(f"{_these(paths)}: {problem}" for problem, paths in problems.items()))
    return parts


def read_batches(parts: Iterable[RawPart]) -> Iterator[Batch]:
    """Yield the rows of all parts in order, small parts together, a large one in pieces; an empty part has a slice too.

    Raises:
        IntegrityError: a file is not what was written.
    """
    tables: list[pa.Table] = []
    slices: list[Slice] = []
    held = 0
    for part in parts:
        read = 0
        for piece in _pieces(part):
            if tables and (piece.schema != tables[0].schema or held + piece.num_rows > BATCH_ROWS):
                yield Batch(pa.concat_tables(tables), slices)
                tables, slices, held = [], [], 0
            tables.append(piece)
            slices.append(Slice(part, read + 1, held, piece.num_rows))
            held += piece.num_rows
            read += piece.num_rows
    if tables:
        yield Batch(pa.concat_tables(tables), slices)


def count_pieces(part: RawPart) -> int:
    """Return in how many pieces a part is read."""
    return max(1, -(-part.rows // BATCH_ROWS))


def _column_problems(arrow: pa.Schema, surplus: tuple[str, ...], schema: Schema) -> Iterator[str]:
    for name, column in schema.columns.items():
        if name not in arrow.names:
            meant = closest(name, surplus)
            yield f"has no column {name!r}, which schema.yaml declares; {meant}found {', '.join(arrow.names)}"
            continue
        found = arrow.field(name).type
        if type_kind(column.type) not in CONVERTIBLE.get(raw_kind(found) or "", set()):
            yield f"column {name!r} holds {found}, which cannot become the declared {column.type}"


def _these(paths: list[Path]) -> str:
    others = len(paths) - 1
    return f"{paths[0]}" + (f" and {others} other part{'s' if others > 1 else ''}" if others else "")


def _pieces(part: RawPart) -> Iterator[pa.Table]:
    """Yield a part's rows in pieces whose borders depend on this part alone, so that its output does too."""
    with _whole_file(part.path), pq.ParquetFile(part.path, page_checksum_verification=True) as file:
        if part.rows == 0:
            yield _plain(file.schema_arrow.empty_table().select(list(part.columns)))
        for batch in file.iter_batches(BATCH_ROWS, columns=list(part.columns)):
            yield _plain(pa.Table.from_batches([batch]).select(list(part.columns)))


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).split("\n", 1)[0]
        raise IntegrityError(
            f"{path}: is no whole Parquet file ({said}); `dvc checkout` brings back the one that was written"
        ) from error


def _plain(table: pa.Table) -> pa.Table:
    """Return the same rows in types that DuckDB reads: no dictionaries, times in UTC to the microsecond."""
    columns = [_plain_column(column) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if raw_kind(column.type) == "text":
        return column.cast(pa.string())
    if pa.types.is_timestamp(column.type):
        zone = column.type.tz and "UTC"  # a time without a zone is taken as UTC
        return column.cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))
    if pa.types.is_date64(column.type):
        return column.cast(pa.date32())
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    return column
