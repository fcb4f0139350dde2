"""A declared type, in the words of each library that has to know it.

| declared                 | Arrow                | DuckDB         | Python              |
| ------------------------ | -------------------- | -------------- | ------------------- |
| `string`, `category`     | `string`             | `VARCHAR`      | `str`               |
| `integer`                | `int64`              | `BIGINT`       | `int`               |
| `float`                  | `double`             | `DOUBLE`       | `float`             |
| `decimal(12,2)`          | `decimal128(12, 2)`  | `DECIMAL(12,2)`| `decimal.Decimal`   |
| `boolean`                | `bool`               | `BOOLEAN`      | `bool`              |
| `timestamp`              | `timestamp[us]`      | `TIMESTAMP`    | `datetime.datetime` |
| `date`                   | `date32`             | `DATE`         | `datetime.date`     |
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import TYPE_CHECKING

from headrace.declaration.rows import TYPES
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from headrace.declaration.rows import Column

NUMBERS = ("integer", "float", "decimal")
TEXTS = ("string", "category")
LARGEST_PRECISION = 38
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_DUCKDB = {
    "string": "VARCHAR",
    "category": "VARCHAR",
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
_PYTHON: dict[str, type] = {
    "string": str,
    "category": str,
    "integer": int,
    "float": float,
    "decimal": decimal.Decimal,
    "boolean": bool,
    "timestamp": dt.datetime,
    "date": dt.date,
}


def type_kind(name: str) -> str:
    """Return the declared type without its arguments: `decimal` for `decimal(12,2)`.

    Raises:
        ConfigError: there is no such type.
    """
    if decimal_arguments(name):
        return "decimal"
    if name not in _DUCKDB:
        raise ConfigError(f"{name!r} is no type; choose one of {', '.join(TYPES)}")
    return name


def decimal_arguments(name: str) -> tuple[int, int] | None:
    """Return precision and scale of a decimal type, or None for another type.

    Raises:
        ConfigError: the precision or the scale is missing or out of range.
    """
    if not name.startswith("decimal"):
        return None
    match = _DECIMAL.fullmatch(name)
    if not match:
        raise ConfigError(f"{name!r} is no type; write a decimal with digits and decimals, such as decimal(12,2)")
    precision, scale = int(match[1]), int(match[2])
    if not 1 <= precision <= LARGEST_PRECISION or scale > precision:
        raise ConfigError(
            f"{name!r} is no type; digits go from 1 to {LARGEST_PRECISION}, decimals from 0 to the digits"
        )
    return precision, scale


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type of a declared type."""
    import pyarrow as pa  # the service asks for Python types alone

    arguments = decimal_arguments(name)
    if arguments:
        return pa.decimal128(*arguments)
    return {
        "string": pa.string(),
        "category": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
    }[type_kind(name)]


def duckdb_type(name: str) -> str:
    """Return the DuckDB type of a declared type."""
    arguments = decimal_arguments(name)
    if arguments:
        return "DECIMAL({},{})".format(*arguments)
    return _DUCKDB[type_kind(name)]


def python_type(name: str) -> type:
    """Return the Python type of a declared type."""
    return _PYTHON[type_kind(name)]


def arrow_schema(columns: Mapping[str, Column]) -> pa.Schema:
    """Return the Arrow schema of declared columns, in their order."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(column.type)) for name, column in columns.items()])
