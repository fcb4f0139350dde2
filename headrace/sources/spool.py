"""Rows on their way from a source to parts: in memory, and on the disk where they are too many."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from headrace.declaration.sql import literal, quoted
from headrace.errors import SourceError
from headrace.sources.columns import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from headrace.declaration.rows import RowIdentity

MOMENT = "_headrace_moment"
MEMORY = "2GB"
KINDS_OF_TIME = ("VARCHAR", "DATE", "TIMESTAMP")


class Spool:
    """A table that rows are added to in any order, and that is written in parts.

    Columns whose type is not seen yet (all values missing) take the type of the first chunk that has values. Where
    chunks differ in a type, the column gets the one that holds both.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: RowIdentity, where: str) -> None:
        self.where = where
        """What names the source in a message."""
        self._connection = connection
        self._rows = rows
        self._types: set[tuple[str, str]] = set()
        self._moment = ""

    def clear(self) -> None:
        """Forget all rows."""
        self._connection.execute("DROP TABLE IF EXISTS spool")
        self._types = set()

    def add(self, table: Any) -> None:
        """Add rows.

        Args:
            table: A `pyarrow.Table`, or what converts to one.

        Raises:
            SourceError: the key or the timestamp is missing among the columns, or the timestamp is not one.
        """
        incoming = as_table(table)
        if not incoming.column_names:  # an empty list of dicts
            return
        types = {(column.name, str(column.type)) for column in incoming.schema}
        self._connection.register("incoming", incoming)
        if not types <= self._types:
            self._moment = self._find_moment(incoming.column_names)
        chosen = f"SELECT *, {self._moment} AS {MOMENT} FROM incoming"
        if not self._types:
            self._connection.execute(f"CREATE TABLE spool AS {chosen}")
        elif types <= self._types:
            self._connection.execute(f"INSERT INTO spool BY NAME {chosen}")
        else:
            self._connection.execute(f"CREATE OR REPLACE TABLE spool AS FROM spool UNION ALL BY NAME ({chosen})")
        self._types |= types

    def settle(self, known: Mapping[str, str]) -> None:
        """Give columns without any value the type that is known from earlier parts, or text.

        Raises:
            SourceError: nothing was added, not even columns, and none are known.
        """
        if not self._types:
            if not known:
                raise SourceError(f"{self.where}: returned no rows, and no columns")
            columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in known.items())
            self._connection.execute(f"CREATE TABLE spool ({columns}, {MOMENT} TIMESTAMP)")
        for column, kind in self._describe("FROM spool").items():
            if kind == '"NULL"':
                self._connection.execute(
                    f"ALTER TABLE spool ALTER {quoted(column)} TYPE {known.get(column, 'VARCHAR')}"
                )

    def count_days(self, since: date | None, until: date | None) -> dict[str, int]:
        """Return how many rows each day has, in order, from `since` up to and without `until`."""
        # By place and not by a name: rows may have a column of any name.
        query = f"SELECT strftime({MOMENT}, '%Y-%m-%d'), count(*) FROM spool WHERE {MOMENT} >= ? AND {MOMENT} < ?"
        bounds = [since or date.min, until or date.max]
        return dict(self._connection.execute(f"{query} GROUP BY 1 ORDER BY 1", bounds).fetchall())

    def count_undated(self) -> int:
        """Return how many rows have no time, or one that is none."""
        found = self._connection.execute(f"SELECT count(*) FROM spool WHERE {MOMENT} IS NULL").fetchone()
        assert found
        return int(found[0])

    def write_day(self, day: str, path: Path) -> int:
        """Write the rows of a day, sorted by time and key and otherwise as they came, and return how many they are."""
        bounds = f"{MOMENT} >= TIMESTAMP '{day}' AND {MOMENT} < TIMESTAMP '{day}' + INTERVAL 1 DAY"
        return self._write(f"{self._columns} WHERE {bounds} ORDER BY {MOMENT}, {quoted(self._rows.key)}, rowid", path)

    def write_undated(self, path: Path) -> int:
        """Write the rows without a time, as they came; add the different ones to what an earlier range has written."""
        if not path.exists():
            return self._write(f"{self._columns} WHERE {MOMENT} IS NULL ORDER BY rowid", path)
        both = f"FROM {literal(str(path))} UNION BY NAME ({self._columns} WHERE {MOMENT} IS NULL) ORDER BY ALL"
        merged = path.with_suffix(".merged")
        rows = self._write(both, merged)
        merged.replace(path)  # a new file: the earlier one may share its content with DVC's cache
        return rows

    def write_whole(self, path: Path) -> int:
        """Write all rows as they came, and return how many they are."""
        return self._write(f"{self._columns} ORDER BY rowid", path)

    def _find_moment(self, columns: list[str]) -> str:
        """Return the SQL of a row's time, in UTC: NULL where it is none."""
        timestamp = self._rows.timestamp
        require([self._rows.key, *([timestamp] if timestamp else [])], columns, self.where)
        if timestamp is None:
            return "NULL::TIMESTAMP"
        kind = self._describe("FROM incoming")[timestamp]
        if not kind.startswith(KINDS_OF_TIME) and kind != '"NULL"':
            raise SourceError(
                f"{self.where}: column '{timestamp}' is the timestamp in schema.yaml, and its type is {kind}; "
                "it has to be a timestamp, a date or a text such as 2018-04-01 12:30:00"
            )
        # A text may name its own offset from UTC, which a cast from text to TIMESTAMP would silently drop.
        cast = f"TRY_CAST({quoted(timestamp)} AS {'TIMESTAMPTZ' if kind == 'VARCHAR' else 'TIMESTAMP'})::TIMESTAMP"
        return f"CASE WHEN {cast} >= '{date.min}' AND {cast} < '{date.max}' THEN {cast} END"

    def _describe(self, query: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._connection.execute(f"DESCRIBE {query}").fetchall()}

    @property
    def _columns(self) -> str:
        return f"SELECT * EXCLUDE ({MOMENT}) FROM spool"

    def _write(self, query: str, path: Path) -> int:
        # A cursor of its own: days are written by several threads.
        with self._connection.cursor() as cursor:
            found = cursor.execute(
                f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
            ).fetchone()
        assert found
        return int(found[0])


def describe_columns(connection: duckdb.DuckDBPyConnection, parts: Mapping[str, Path]) -> dict[str, str]:
    """Return DuckDB's types of the columns of the last part, by name; nothing where there are no parts."""
    if not parts:
        return {}
    last = literal(str(list(parts.values())[-1]))
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE FROM read_parquet({last})").fetchall()}


def as_table(rows: Any) -> pa.Table:
    """Return rows as a table of Arrow.

    Raises:
        SourceError: they are nothing that can become one.
    """
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return rows
    try:
        return pa.Table.from_pylist(rows) if isinstance(rows, list) else pa.table(rows)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"source: returned {type(rows).__name__}; "
            "a source returns tables of Arrow, Polars or pandas, or lists of dicts"
        ) from error


@contextlib.contextmanager
def spooling() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection of bounded memory for spools, whose files go when it is closed."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        settings = {"memory_limit": MEMORY, "temp_directory": folder, "autoinstall_known_extensions": "false"}
        with duckdb.connect(config={**settings}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            # Or parts would differ in their schemas: a column without missing values on a day would be NOT NULL there.
            connection.execute("SET disabled_optimizers = 'statistics_propagation'")
            yield connection
