"""Rows from Parquet files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import literal, quoted
from headrace.errors import SourceError
from headrace.sources.columns import rename_all
from headrace.sources.files import existing, said_by_duckdb, tables
from headrace.sources.plain import Written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    import pyarrow as pa


@dataclass(kw_only=True)
class Parquet(Written):
    """A Parquet file, or a folder of them in order of their names, with the columns' own types.

    They are read whole each time.
    """

    path: str
    """A file or a folder, relative to the repository; DVC watches `data/<pipeline>/source/`."""
    rename: dict[str, str] = field(default_factory=dict)
    """A name in the file, and the name that the column gets."""

    def __post_init__(self) -> None:
        """Check what a type cannot say."""
        self.check_written()

    @property
    def daily(self) -> bool:
        """Files are read whole."""
        return False

    def read(self, since: date | None, until: date | None) -> Iterator[pa.Table]:  # noqa: ARG002  a file has all days
        """Yield all rows.

        Raises:
            SourceError: a file is missing, cut short or no Parquet, or has other columns than the first one.
        """
        yield from self.plain(self._tables(), self.path)

    def _tables(self) -> Iterator[pa.Table]:
        files = _list_files(existing(self.path))
        with duckdb.connect() as connection:
            first = _columns(connection, files[0])
            for file in files:
                found = _columns(connection, file)
                if sorted(found) != sorted(first):
                    raise SourceError(
                        f"{file}: the columns are {', '.join(found)}; those of {files[0]} are {', '.join(first)}"
                    )
            renamed = rename_all(first, self.rename, self.path)
            chosen = ", ".join(f"{quoted(old)} AS {quoted(new)}" for old, new in zip(first, renamed, strict=True))
            for file in files:
                try:
                    yield from tables(connection, f"SELECT {chosen} FROM read_parquet({literal(str(file))})")
                except (duckdb.Error, OSError) as error:  # Arrow's reader says OSError for what DuckDB finds on the way
                    raise _refusal(file, error) from error


def _list_files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path}/: there is no .parquet file in this folder")
    return files


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    try:
        return connection.sql(f"SELECT * FROM read_parquet({literal(str(file))})").columns
    except duckdb.Error as error:
        raise _refusal(file, error) from error


def _refusal(file: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{file}: no whole Parquet file, with its {file.stat().st_size} bytes: {said_by_duckdb(error)}. "
        "Was it cut short? Copy it again."
    )
