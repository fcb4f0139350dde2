"""A declared column as a field of a request: how its value is checked, and how the OpenAPI document describes it."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Optional

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from headrace.declaration.types import decimal_arguments, python_type, type_kind

if TYPE_CHECKING:
    from headrace.declaration.rows import Column

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""What 64 bits hold."""
DESCRIBED: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "category": {"type": "string"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "decimal": {"type": "number"},
    "boolean": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}
GIVEN_AS: dict[str, tuple[tuple[type, ...], str]] = {
    "decimal": ((int, float), "Input should be a number"),
    "timestamp": ((str,), "Input should be a text such as 2018-08-15T12:00:00"),
    "date": ((str,), "Input should be a text such as 2018-08-15"),
}
"""What a value of a type comes as in JSON, and what is said of another."""
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""How a time or a date begins: pydantic alone would take a text of digits for seconds since 1970."""


def column_field(column: Column, after: dt.datetime | None = None) -> Any:
    """Return the annotated type of a column's value in a request.

    Args:
        column: The declaration.
        after: For the timestamp: the time that it has to be later than.
    """
    given = GIVEN_AS.get(type_kind(column.type))
    # JSON has no decimals and no times: these come as something else, and pydantic brings them to their type.
    checks: list[Any] = [_given_as(*given)] if given else []
    checks.append(Field(strict=not given, **_constraints(column)))
    if column.values is not None:
        checks.append(_one_of([exact(value, column) for value in column.values]))
    if column.type == "timestamp":
        checks.append(AfterValidator(_in_utc))
    if after is not None:
        checks.append(_later_than(after))
    value: Any = Annotated[(python_type(column.type), *checks)]
    value = Optional[value] if column.nullable else value  # noqa: UP045  the type is a value here
    return Annotated[value, WithJsonSchema(describe(column, after))]


def describe(column: Column, after: dt.datetime | None = None) -> dict[str, Any]:
    """Return a column as a schema of OpenAPI 3.0, where a value that may be null is said to be `nullable`."""
    said = [column.description.rstrip(".")] if column.description else []
    if after is not None:
        said.append(f"UTC, unless it names its zone. Later than {after.isoformat()}, the last row of the history")
    details = {
        "description": ". ".join(said),
        "minimum": column.minimum,
        "maximum": column.maximum,
        "pattern": _whole(column.pattern) if column.pattern else None,
        "enum": [*column.values, *([None] if column.nullable else [])] if column.values else None,
        "nullable": column.nullable or None,
    }
    given = {name: detail for name, detail in details.items() if detail not in (None, "")}
    return {**DESCRIBED[type_kind(column.type)], **given}


def integer_bounds(column: Column) -> tuple[int, int]:
    """Return the least and the largest value of a column of integers."""
    least = SMALLEST if column.minimum is None else max(math.ceil(column.minimum), SMALLEST)
    return least, LARGEST if column.maximum is None else min(math.floor(column.maximum), LARGEST)


def _constraints(column: Column) -> dict[str, Any]:
    kind = type_kind(column.type)
    low, high = column.minimum, column.maximum
    if kind in {"string", "category"}:
        return {"pattern": _whole(column.pattern) if column.pattern else None}
    if kind == "integer":
        least, most = integer_bounds(column)
        return {"ge": least, "le": most}
    if kind == "float":
        return {"ge": low, "le": high, "allow_inf_nan": False}
    arguments = decimal_arguments(column.type)
    if arguments:
        bounds = {"ge": exact(low, column), "le": exact(high, column)}
        return {**bounds, "max_digits": arguments[0], "decimal_places": arguments[1]}
    return {}


def exact(value: Any, column: Column) -> Any:
    """Return a declared value as the column has it: a decimal of what was written, not of its nearest fraction."""
    if value is None or not decimal_arguments(column.type):
        return value
    return int(value) if value == int(value) else decimal.Decimal(str(value))


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _given_as(types: tuple[type, ...], message: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        wrong = isinstance(value, str) and not DAY.match(value)
        if wrong or not isinstance(value, types) or isinstance(value, bool):
            raise PydanticCustomError("type", "{message}", {"message": message})
        return value

    return BeforeValidator(check)


def _one_of(values: list[Any]) -> AfterValidator:
    names = ", ".join(map(str, values))

    def check(value: Any) -> Any:
        if value not in values:
            raise PydanticCustomError("one_of", "Input should be one of {values}", {"values": names})
        return value

    return AfterValidator(check)


def _in_utc(value: dt.datetime) -> dt.datetime:
    # As in validation: a time that names its zone is brought to UTC, one that names none is in UTC.
    try:
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError as error:
        raise PydanticCustomError("datetime_range", "Input should be in the years 1 to 9999, in UTC") from error


def _later_than(after: dt.datetime) -> AfterValidator:
    message = "Input should be later than {after}, the last row of the history that features look back on"

    def check(value: dt.datetime) -> dt.datetime:
        if value <= after:
            raise PydanticCustomError("later_than", message, {"after": after.isoformat()})
        return value

    return AfterValidator(check)
