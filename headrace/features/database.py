"""A DuckDB that computes tables and does nothing else: no files, no network, bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
