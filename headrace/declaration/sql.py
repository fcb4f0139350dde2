"""DuckDB's SQL in declarations: names and texts as it writes them, and what is an expression over one row."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from headrace.declaration.types import duckdb_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from headrace.declaration.rows import TypedRows

NOT_ONE_ROW = {
    "SUBQUERY": "sees one row and no other table; leave the subquery out",
    "WINDOW": "sees one row and not its neighbours; leave the window out",
}


def connect() -> duckdb.DuckDBPyConnection:
    """Return a connection for expressions: what they name, their types, their values for a row or a table.

    They come from pull requests: their SQL reads no file and no network, and has one thread. What is made in the
    connection has to be temporary; no other one sees it. The database behind all of them is made once for a process,
    which takes a hundred times as long as to connect to it.
    """
    return _database().cursor()


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(
        ":memory:", config={"threads": 1, "enable_external_access": "false", "lock_configuration": "true"}
    )


def create_rows(connection: duckdb.DuckDBPyConnection, rows: TypedRows) -> None:
    """Create an empty table `rows` with the declared columns, which this connection alone sees."""
    columns = ", ".join(f"{quoted(column)} {duckdb_type(declared.type)}" for column, declared in rows.columns.items())
    connection.execute(f"CREATE TEMP TABLE rows ({columns})")


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def parse(expression: str, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return DuckDB's own tree of an expression over the table `rows`; what is no SQL has the key `error`."""
    query = f"SELECT ({expression}) FROM rows"
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchone()
    assert row is not None
    tree: dict[str, Any] = json.loads(row[0])
    return tree


def nodes(tree: object, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a tree that are of a class, such as `COLUMN_REF`."""
    if isinstance(tree, dict):
        if tree.get("class") == kind:
            yield tree
        for child in tree.values():
            yield from nodes(child, kind)
    elif isinstance(tree, list):
        for child in tree:
            yield from nodes(child, kind)


def beyond_one_row(tree: dict[str, Any]) -> str:
    """Return what in a parsed expression does not follow from one row alone, in words; nothing where all does.

    Other rows may lie in the future, and a request has none of them; a clock or a random number is another one when the
    model is trained and when it is asked.
    """
    for kind, message in NOT_ONE_ROW.items():
        if any(True for _ in nodes(tree, kind)):
            return message
    names = {node["function_name"].lower() for node in nodes(tree, "FUNCTION")}
    aggregates, unstable = _functions()
    for name in sorted(names & aggregates):
        return f"sees one row: {name}() is taken over several rows; leave it out"
    for name in sorted(names & unstable):
        return f"is another value each time: {name}() does not follow from the row"
    return ""


@functools.cache
def _functions() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of DuckDB's aggregates, and of functions whose value does not follow from their arguments."""
    with connect() as connection:
        found = connection.execute(
            "SELECT lower(function_name), bool_and(function_type = 'aggregate'), bool_or(stability <> 'CONSISTENT') "
            "FROM duckdb_functions() WHERE function_type IN ('aggregate', 'scalar') GROUP BY 1"
        ).fetchall()
    return frozenset(n for n, aggregate, _ in found if aggregate), frozenset(n for n, _, unstable in found if unstable)
