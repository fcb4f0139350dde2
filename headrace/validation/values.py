"""A value of a declaration, in the type of its column."""

from __future__ import annotations

import decimal
from typing import Any

from headrace.declaration.types import TEXTS, decimal_arguments, type_kind
from headrace.errors import ConfigError


def declared_value(value: Any, type_name: str) -> Any:
    """Return a value that a person wrote in YAML as Python's own of a declared type.

    Raises:
        ConfigError: the value is of another type. The commonest: `No` without quotes, which YAML takes for false.
    """
    kind = type_kind(type_name)
    if kind in TEXTS and isinstance(value, str):
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "integer" and _is_number(value) and value == int(value):
        return int(value)
    if kind == "float" and _is_number(value):
        return float(value)
    if kind == "decimal" and _is_number(value):
        return _decimal(value, type_name)
    if kind in ("timestamp", "date"):
        raise ConfigError(f"{value!r} for a {kind}: a list of values is for texts, numbers and booleans")
    hint = "; write it in quotes, for YAML reads a bare Yes, No or 1 as something else" if kind in TEXTS else ""
    raise ConfigError(f"{value!r} is no {type_name}{hint}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimal(value: float, type_name: str) -> decimal.Decimal:
    """Return the decimal that was written: 0.1 is 0.1, and not its nearest binary fraction."""
    arguments = decimal_arguments(type_name)
    assert arguments is not None
    exact = decimal.Decimal(str(value))
    rounded = round(exact, arguments[1])
    if exact != rounded:
        raise ConfigError(f"{value!r} is no {type_name}: it has more decimals")
    return rounded
