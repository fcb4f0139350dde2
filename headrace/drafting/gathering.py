"""The rows of a source in DuckDB: as they came (`given`), and in the types that they are taken for (`rows`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.declaration.sql import quoted
from headrace.errors import SourceError
from headrace.sources.columns import refuse_alike
from headrace.validation.reading import raw_kind

if TYPE_CHECKING:
    import duckdb

    from headrace.sources.plain import Written

GIVEN = "given"


def gather(connection: duckdb.DuckDBPyConnection, source: Written, where: str) -> dict[str, str | None]:
    """Read a source into the table `given`, and return the kind of each column: see `raw_kind`.

    Raises:
        SourceError: the source cannot be read, has no rows, or two of its columns cannot be told apart.
    """
    known: pa.Schema | None = None
    for table in source.read(None, None):  # type: ignore[attr-defined]
        if known is None:
            _refuse_names(table.column_names, where)
        connection.register("incoming", table)
        if known is None:
            connection.execute(f"CREATE TABLE {GIVEN} AS FROM incoming")
        elif table.schema == known:
            connection.execute(f"INSERT INTO {GIVEN} FROM incoming")
        else:
            connection.execute(f"CREATE OR REPLACE TABLE {GIVEN} AS FROM {GIVEN} UNION ALL BY NAME FROM incoming")
        known = table.schema
    return _kinds(connection, where)


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the first row of a query, fetched whole: DuckDB takes no other query before the last one has ended."""
    row: tuple[Any, ...] = connection.execute(query).fetchall()[0]
    return row


def _kinds(connection: duckdb.DuckDBPyConnection, where: str) -> dict[str, str | None]:
    if not one_row(connection, f"SELECT count(*) FROM {GIVEN}")[0]:
        raise SourceError(f"{where}: there are no rows")
    for name, kind in _described(connection).items():
        if kind.startswith("ENUM"):
            connection.execute(f"ALTER TABLE {GIVEN} ALTER {quoted(name)} TYPE VARCHAR")
    schema = connection.sql(f"FROM {GIVEN} LIMIT 0").to_arrow_table().schema
    return {field.name: raw_kind(field.type) for field in schema}


def _described(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {GIVEN}").fetchall()}


def _refuse_names(names: list[str], where: str) -> None:
    refuse_alike(names, where)
    if "" in names:
        raise SourceError(f"{where}: several columns have no name; give each one a name of its own")
