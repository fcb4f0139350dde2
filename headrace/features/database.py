"""A DuckDB that computes tables and does nothing else: no files, no network, bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import quoted
from headrace.declaration.types import duckdb_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.declaration.rows import TypedRows

MEMORY = "2GB"
"""What DuckDB holds in memory; the rest goes to the disk."""


@contextlib.contextmanager
def database(spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an empty database whose SQL may read its own tables alone: expressions come from pull requests.

    Args:
        spill: A folder for what does not fit into memory; the folder for temporary files where it is left out.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-", dir=spill) as folder:
        connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "temp_directory": folder})
        try:
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
        finally:
            connection.close()


def create_rows(connection: duckdb.DuckDBPyConnection, rows: TypedRows, name: str = "rows") -> None:
    """Create an empty table with the declared columns, which this connection alone sees."""
    columns = ", ".join(f"{quoted(column)} {duckdb_type(declared.type)}" for column, declared in rows.columns.items())
    connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
