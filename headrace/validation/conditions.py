"""The declared conditions over a row, held against the declared columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from headrace.declaration.sql import beyond_one_row, connect, create_rows, nodes, parse, quoted
from headrace.validation.saying import first_line
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.declaration.rows import Schema


def check_conditions(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each condition, prepared against an empty table of the declared types."""
    if not schema.checks or not schema.columns:
        return
    with connect() as connection:
        try:
            create_rows(connection, schema)
        except duckdb.Error as error:
            yield "columns", first_line(error)
            return
        for name, condition in schema.checks.items():
            message = _condition_problem(connection, condition, list(schema.columns))
            if message:
                yield f"checks.{name}", message


def columns_named(condition: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that an SQL condition names, in their declared order."""
    with connect() as connection:
        tree = parse(condition, connection)
    named = {node["column_names"][-1].lower() for node in nodes(tree, "COLUMN_REF")}
    return [name for name in columns if name.lower() in named]


def _condition_problem(connection: duckdb.DuckDBPyConnection, condition: str, columns: list[str]) -> str | None:
    tree = parse(condition, connection)
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
    beyond = beyond_one_row(tree)
    if beyond:
        return f"{condition!r} {beyond}"
    if not any(True for kind in ("COLUMN_REF", "STAR") for _ in nodes(tree, kind)):
        return f"{condition!r} names no column, so that it holds for all rows or for none"
    return None


def _unknown_column(tree: dict[str, Any], columns: list[str]) -> str | None:
    declared = {name.lower() for name in columns}
    for node in nodes(tree, "COLUMN_REF"):
        name = node["column_names"][-1]
        if name.lower() not in declared:
            return f"names {name!r}, which is none of the columns; {known(name, columns)}"
    return None
