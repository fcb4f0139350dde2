"""The declared conditions over a row, held against the declared columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

from headrace.declaration.sql import quoted
from headrace.declaration.types import duckdb_type
from headrace.validation.saying import first_line
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.declaration.rows import Schema

ONE_ROW = {
    "SUBQUERY": "a check sees one row and no other table; leave the subquery out",
    "WINDOW": "a check sees one row and not its neighbours; leave the window out",
}


def check_conditions(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each condition, prepared against an empty table of the declared types."""
    if not schema.checks or not schema.columns:
        return
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        columns = ", ".join(f"{quoted(name)} {duckdb_type(column.type)}" for name, column in schema.columns.items())
        try:
            connection.execute(f"CREATE TABLE rows ({columns})")
        except duckdb.Error as error:
            yield "columns", first_line(error)
            return
        for name, condition in schema.checks.items():
            message = _condition_problem(connection, condition, list(schema.columns))
            if message:
                yield f"checks.{name}", message


def columns_named(condition: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that an SQL condition names, in their declared order."""
    with duckdb.connect() as connection:
        tree = _tree(connection, f"SELECT ({condition}) FROM rows")
    named = {node["column_names"][-1].lower() for node in _nodes(tree, "COLUMN_REF")}
    return [name for name in columns if name.lower() in named]


def _condition_problem(connection: duckdb.DuckDBPyConnection, condition: str, columns: list[str]) -> str | None:
    tree = _tree(connection, f"SELECT ({condition}) FROM rows")
    shape = _shape_problem(tree, condition)
    if shape:
        return shape
    try:
        # Beside a plain column, an aggregate of several rows does not bind.
        found = connection.execute(f"DESCRIBE SELECT {quoted(columns[0])}, ({condition}) FROM rows").fetchall()
    except duckdb.Error as error:
        found_wrong = first_line(error)
        unknown = _unknown_column(tree, columns) if found_wrong.startswith("Referenced column") else None
        return unknown or f"{condition!r}: {found_wrong}"
    if len(found) != 2:
        return f"{condition!r} is {len(found) - 1} conditions; write one"
    if found[1][1] != "BOOLEAN":
        return f"{condition!r} is a {found[1][1]}; a condition is true or false, such as `amount > 0`"
    return None


def _shape_problem(tree: dict[str, Any], condition: str) -> str | None:
    if tree.get("error"):
        return f"{condition!r} is no SQL condition: {tree['error_message']}"
    for node, message in ONE_ROW.items():
        if any(True for _ in _nodes(tree, node)):
            return message
    if not any(True for kind in ("COLUMN_REF", "STAR") for _ in _nodes(tree, kind)):
        return f"{condition!r} names no column, so that it holds for all rows or for none"
    return None


def _unknown_column(tree: dict[str, Any], columns: list[str]) -> str | None:
    declared = {name.lower() for name in columns}
    for node in _nodes(tree, "COLUMN_REF"):
        name = node["column_names"][-1]
        if name.lower() not in declared:
            return f"names {name!r}, which is none of the columns; {known(name, columns)}"
    return None


def _tree(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchone()
    assert row is not None
    tree: dict[str, Any] = json.loads(row[0])
    return tree


def _nodes(tree: object, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if tree.get("class") == kind:
            yield tree
        for child in tree.values():
            yield from _nodes(child, kind)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child, kind)
