"""A schema judged before any row is read: does what it declares make sense?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import connect
from headrace.declaration.types import NUMBERS, TEXTS, type_kind
from headrace.errors import ConfigError
from headrace.validation.conditions import check_conditions
from headrace.validation.saying import first_line
from headrace.validation.values import declared_value
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.rows import Column, Schema

Problem = tuple[str, str]


def check_schema(schema: Schema) -> list[Problem]:
    """Return all that is wrong with a schema, as pairs of a dotted key in `schema.yaml` and what is wrong with it."""
    problems = [*_identity(schema), *_names(schema)]
    for name, column in schema.columns.items():
        problems += ((f"columns.{name}.{key}", message) for key, message in _column(column))
    problems += _limits(schema)
    if not any(key.endswith(".type") for key, _ in problems):
        problems += check_conditions(schema)
    return problems


def _identity(schema: Schema) -> Iterator[Problem]:
    for role in ("key", "timestamp"):
        name = getattr(schema, role)
        if name is None:
            continue
        if name not in schema.columns:
            yield role, f"{name!r} is none of the columns; {known(name, schema.columns)}"
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
        with connect() as connection:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern])
    except duckdb.Error as error:
        yield "pattern", f"{pattern!r} is no regular expression of the RE2 kind: {first_line(error)}"


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
            yield f"limits.null_share.{name}", f"{name!r} is none of the columns; {known(name, schema.columns)}"
        elif not 0 <= share <= 1:
            yield f"limits.null_share.{name}", f"{share:g} is no share; choose one from 0 to 1"
    if limits.mean_shift is not None and limits.mean_shift <= 0:
        yield "limits.mean_shift", f"{limits.mean_shift:g} is no distance; choose a number above 0, such as 8, or null"
    if limits.mean_shift is not None and schema.timestamp is None:
        yield "limits.mean_shift", "rows without a timestamp have no history to shift from; leave it out"
