"""A schema judged before any row is read: does what it declares make sense?"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

import duckdb

from headrace.declaration.types import NUMBERS, TEXTS, duckdb_type, type_kind
from headrace.errors import ConfigError
from headrace.validation.values import declared_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.declaration.rows import Column, Schema

Problem = tuple[str, str]
ONE_ROW = {
    "SUBQUERY": "a check sees one row and no other table; leave the subquery out",
    "WINDOW": "a check sees one row and not its neighbours; leave the window out",
}


def check_schema(schema: Schema) -> list[Problem]:
    """Return all that is wrong with a schema, as pairs of a dotted key in `schema.yaml` and what is wrong with it."""
    problems = [*_identity(schema), *_names(schema)]
    for name, column in schema.columns.items():
        problems += ((f"columns.{name}.{key}", message) for key, message in _column(column))
    problems += _limits(schema)
    if not any(key.endswith(".type") for key, _ in problems):
        problems += _checks(schema)
    return problems


def closest(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the name most like `name`, or nothing where none is like it."""
    by_lower = {other.lower(): other for other in reversed(list(names))}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def quoted(name: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _identity(schema: Schema) -> Iterator[Problem]:
    for role in ("key", "timestamp"):
        name = getattr(schema, role)
        if name is None:
            continue
        if name not in schema.columns:
            yield role, f"{name!r} is none of the columns ({', '.join(schema.columns)}){closest(name, schema.columns)}"
        elif schema.columns[name].nullable:
            yield f"columns.{name}.nullable", f"the {role} of a row is never missing; leave nullable out"
    column = schema.columns.get(schema.timestamp or "")
    if column and column.type != "timestamp":
        yield (
            f"columns.{schema.timestamp}.type",
            f"is {column.type!r}; the column that says when has the type timestamp",
        )


def _names(schema: Schema) -> Iterator[Problem]:
    if not schema.columns:
        yield "columns", "none is declared; name each column with its type, such as `amount: {type: float}`"
    seen: dict[str, str] = {}
    for name in schema.columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield (
                f"columns.{name}",
                f"is {other!r} but for upper and lower case, which SQL does not tell apart; rename one",
            )


def _column(column: Column) -> Iterator[Problem]:
    try:
        kind = type_kind(column.type)
    except ConfigError as error:
        yield "type", str(error)
        return
    bounds = {"minimum": column.minimum, "maximum": column.maximum}
    for key, bound in bounds.items():
        if bound is not None and kind not in NUMBERS:
            yield key, f"{bound:g} bounds no {kind}; only numbers have a {key}"
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        yield "minimum", f"{column.minimum:g} is above the maximum {column.maximum:g}"
    if column.pattern is not None:
        yield from _pattern(column.pattern, kind)
    if column.values is not None:
        yield from _values(column)


def _pattern(pattern: str, kind: str) -> Iterator[Problem]:
    if kind not in TEXTS:
        yield "pattern", f"{pattern!r} matches no {kind}; only a string or a category has a pattern"
        return
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern])
    except duckdb.Error as error:
        yield "pattern", f"{pattern!r} is no regular expression of the RE2 kind: {_first_line(error)}"


def _values(column: Column) -> Iterator[Problem]:
    values = column.values or []
    if not values:
        yield "values", "is empty, so that no row could be valid; list the values, or leave it out"
    for index, value in enumerate(values):
        try:
            declared_value(value, column.type)
        except ConfigError as error:
            yield f"values[{index}]", str(error)


def _limits(schema: Schema) -> Iterator[Problem]:
    limits = schema.limits
    if not 0 <= limits.rejected_share <= 1:
        yield "limits.rejected_share", f"{limits.rejected_share:g} is no share; choose one from 0 to 1"
    if limits.minimum_rows < 0:
        yield "limits.minimum_rows", f"{limits.minimum_rows} is below 0"
    if limits.maximum_rows is not None and limits.maximum_rows < limits.minimum_rows:
        yield "limits.maximum_rows", f"{limits.maximum_rows} is below minimum_rows, {limits.minimum_rows}"
    for name, share in limits.null_share.items():
        if name not in schema.columns:
            yield f"limits.null_share.{name}", f"{name!r} is none of the columns{closest(name, schema.columns)}"
        elif not 0 <= share <= 1:
            yield f"limits.null_share.{name}", f"{share:g} is no share; choose one from 0 to 1"
    if limits.mean_shift is not None and limits.mean_shift <= 0:
        yield "limits.mean_shift", f"{limits.mean_shift:g} is no distance; choose a number above 0, such as 8, or null"
    if limits.mean_shift is not None and schema.timestamp is None:
        yield "limits.mean_shift", "rows without a timestamp have no history to shift from; leave it out"


def _checks(schema: Schema) -> Iterator[Problem]:
    """Prepare each condition against an empty table of the declared types."""
    if not schema.checks or not schema.columns:
        return
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        columns = ", ".join(f"{quoted(name)} {duckdb_type(column.type)}" for name, column in schema.columns.items())
        try:
            connection.execute(f"CREATE TABLE rows ({columns})")
        except duckdb.Error as error:
            yield "columns", _first_line(error)
            return
        for name, condition in schema.checks.items():
            message = _condition_problem(connection, condition, list(schema.columns))
            if message:
                yield f"checks.{name}", message


def _condition_problem(connection: duckdb.DuckDBPyConnection, condition: str, columns: list[str]) -> str | None:
    tree = _tree(connection, f"SELECT ({condition}) FROM rows")
    if tree.get("error"):
        return f"{condition!r} is no SQL condition: {tree['error_message']}"
    for node, message in ONE_ROW.items():
        if any(True for _ in _nodes(tree, node)):
            return message
    try:
        # Beside a plain column, an aggregate of several rows does not bind.
        found = connection.execute(f"DESCRIBE SELECT {quoted(columns[0])}, ({condition}) FROM rows").fetchall()
    except duckdb.Error as error:
        found_wrong = _first_line(error)
        unknown = _unknown_column(tree, columns) if found_wrong.startswith("Referenced column") else None
        return unknown or f"{condition!r}: {found_wrong}"
    if len(found) != 2:
        return f"{condition!r} is {len(found) - 1} conditions; write one"
    if found[1][1] != "BOOLEAN":
        return f"{condition!r} is a {found[1][1]}; a condition is true or false, such as `amount > 0`"
    return None


def _unknown_column(tree: dict[str, Any], columns: list[str]) -> str | None:
    known = {name.lower() for name in columns}
    for node in _nodes(tree, "COLUMN_REF"):
        name = node["column_names"][-1]
        if name.lower() not in known:
            return f"names {name!r}, which is none of the columns ({', '.join(columns)}){closest(name, columns)}"
    return None


def columns_named(condition: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that an SQL condition names, in their declared order."""
    with duckdb.connect() as connection:
        tree = _tree(connection, f"SELECT ({condition}) FROM rows")
    named = {node["column_names"][-1].lower() for node in _nodes(tree, "COLUMN_REF")}
    return [name for name in columns if name.lower() in named]


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


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].removeprefix("Parser Error: ").removeprefix("Binder Error: ")
