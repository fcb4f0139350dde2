"""What files have in common as sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import SourceError
from headrace.words import closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

ROWS_AT_A_TIME = 100_000


def existing(path: str) -> Path:
    """Return the path of what is there.

    Raises:
        SourceError: nothing is; the message says what lies nearby.
    """
    found = Path(path)
    if found.exists():
        return found
    folder = next(parent for parent in found.parents if parent.is_dir())
    names = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
    hint = closest(found.name, names)
    raise SourceError(f"{path}: there is no such file; {hint}{folder}/ holds: {', '.join(names[:10]) or 'nothing'}")


def tables(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Table]:
    """Yield the rows of a query in their order, and at least one table, which has the columns."""
    import pyarrow as pa

    reader = connection.sql(query).to_arrow_reader(ROWS_AT_A_TIME)
    yield pa.Table.from_batches([], schema=reader.schema)
    for batch in reader:
        yield pa.Table.from_batches([batch])


def said_by_duckdb(error: Exception) -> str:
    """Return the first line of what DuckDB says, without the name of its class of errors."""
    return str(error).strip().split("\n", 1)[0].split("Error: ", 1)[-1].rstrip(" .")
