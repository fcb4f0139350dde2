"""Parts as they are written: the same rows give the same bytes, so that DVC keeps an unchanged day once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.storage import part_path, write_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

REJECTED = pa.schema([("row", pa.int64()), ("column", pa.string()), ("value", pa.string()), ("reason", pa.string())])
"""A rejected cell: the number of its row in the raw part, counted from 1; its columns; its raw value; what is wrong."""


class PartWriter:
    """Writes the parts of a table one after another, each in as many pieces as it comes."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._schema = schema
        self._part: str | None = None
        self._file: pq.ParquetWriter | None = None

    def write(self, part: str, rows: pa.Table) -> None:
        """Append rows to a part; the one before it is complete then."""
        if part != self._part or self._file is None:
            self.close()
            self._part, self._file = part, _open(part_path(self._folder, part), self._schema)
        self._file.write_table(rows.select(self._schema.names).cast(self._schema))

    def close(self) -> None:
        """Complete the last part."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the last part; after an error its folder is thrown away whole."""
        self.close()


def read_pieces(path: Path) -> Iterator[pa.Table]:
    """Yield a written part in the pieces that it was written in."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def rewrite(path: Path, pieces: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write a part anew from pieces, which may be read from what stands there."""
    with write_beside(path) as beside, _open(beside, schema) as file:
        for piece in pieces:
            file.write_table(piece.select(schema.names).cast(schema))


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Half the size and a third of the time of the defaults, which look for repeating numbers first.
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    counting = [field.name for field in schema if field.type in (pa.int64(), pa.timestamp("us"))]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=texts or False,
        column_encoding=dict.fromkeys(counting, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
    )
