"""How a row is written to bytes: what it is known by, what orders it, its window arguments."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import math
import re
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.declaration.types import decimal_arguments, type_kind
from headrace.errors import ConfigError, DataError
from headrace.features.aggregates import scale_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.declaration.rows import Column
    from headrace.features.plan import Plan

FORMAT = b"3"
"""Counts the ways in which stores were written: another one is another key space."""
BIAS = 2**63
TIME = struct.Struct(">Q")
TEXT_BYTES = 40
"""Of a text's key so many bytes order the rows of one moment; keys that differ later are told apart, in any order."""
TAIL_BYTES = 8
KEYLESS = b"\xff" * 8
"""What the key of a row begins with that came without one: it comes after all others of its moment."""
NAME_BYTES = 17
NULL = -(2**63)
WIDE = decimal.Context(prec=60)
"""Decimals have 38 digits at most: none is rounded."""
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  times of rows have no zone
DAY = 86_400
COUNTED = re.compile(
    r"VARCHAR|ENUM\(.*\)|DATE|TIME|TIMESTAMP|UUID|BLOB|DOUBLE|FLOAT|U?HUGEINT|UBIGINT|DECIMAL\(.*\)", re.DOTALL
)
"""The types, beside those of exact numbers, whose values are the same here as in Arrow."""
FLOATS = ("DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT", "UBIGINT", "DECIMAL")


def microseconds_of(moment: dt.datetime) -> int:
    """Return a time in microseconds since 1970."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    since = moment - EPOCH
    return (since.days * DAY + since.seconds) * 1_000_000 + since.microseconds


def _digest(data: bytes, size: int = 8) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()


@dataclass(frozen=True)
class Argument:
    """A word of a record: what an aggregate is taken over.

    Args:
        sql: The expression.
        kind: `exact`, an integer or a decimal times a power of ten; `float`; or `code`, which tells different values
            apart and says nothing else of them.
        scale: How many of an exact number's digits are decimals.
    """

    sql: str
    kind: str
    scale: int = 0

    @property
    def word(self) -> Callable[[Any], Any]:
        """Return what makes the word of a value."""
        if self.kind == "float":
            return _finite
        if self.kind == "code":
            return code
        factor = decimal.Decimal(10) ** self.scale
        return (lambda value: int(value * factor)) if self.scale else int


def _finite(value: Any) -> float:
    """Return a number as a float; one that is not finite is missing, as in the SQL forms."""
    number = float(value)
    return number if math.isfinite(number) else math.nan


def code(value: Any) -> int:
    """Return a number that equal values share, and others do not."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return NULL
        value = struct.pack("<d", value + 0.0)
    elif isinstance(value, decimal.Decimal):
        value = WIDE.normalize(value)
        value = int(value) if value == value.to_integral_value(context=WIDE) else value
    if isinstance(value, int) and NULL < value < BIAS:
        return int(value)
    data = value if isinstance(value, bytes) else str(value).encode()
    return int.from_bytes(_digest(data), "little", signed=True)


def argument_of(sql: str, kind: str, function: str, *, distinct: bool) -> Argument:
    """Return how an aggregate's argument is kept.

    Args:
        sql: The expression.
        kind: Its DuckDB type.
        function: The aggregate.
        distinct: Whether it counts different values.

    Raises:
        ConfigError: It is no number, and the aggregate needs one.
    """
    scale = scale_of(kind)
    if scale is not None:
        return Argument(sql, "exact", scale)
    if kind.startswith(FLOATS) and not distinct:
        return Argument(sql, "float")
    if function == "count" and COUNTED.fullmatch(kind):
        return Argument(sql, "code")
    raise ConfigError(
        f"{function}({sql}): is taken over a {kind}; live windows take numbers, or count different numbers, texts, "
        "truth values, dates and times"
    )


class Keys:
    """What rows are known by, and how they are ordered within a moment."""

    def __init__(self, column: Column) -> None:
        self._head, self.size = _ordered(column)
        self.bytes = self.size + TAIL_BYTES

    def of(self, value: Any, request: str | None = None) -> bytes:
        """Return the key of a row; one without a key comes after all others, and is known by its request."""
        if value is None:
            return KEYLESS.ljust(self.size, b"\xff") + (
                _digest(request.encode()) if request else secrets.token_bytes(TAIL_BYTES)
            )
        head, tail = self._head(value)
        return head + tail


def _ordered(column: Column) -> tuple[Callable[[Any], tuple[bytes, bytes]], int]:
    """Return what writes a value as bytes that are ordered as the values are, and how many bytes these are."""
    kind, none = type_kind(column.type), bytes(TAIL_BYTES)
    if kind in {"string", "category"}:
        return _text, TEXT_BYTES
    if kind == "float":
        return (lambda value: (_float(value), none)), 8
    if kind == "decimal":
        scale = (decimal_arguments(column.type) or (0, 0))[1]
        return (lambda value: ((int(WIDE.scaleb(value, scale)) + 2**127).to_bytes(16), none)), 16
    if kind == "timestamp":
        return (lambda value: (TIME.pack(microseconds_of(value) + BIAS), none)), 8
    if kind == "date":
        return (lambda value: (TIME.pack(value.toordinal()), none)), 8
    return (lambda value: (TIME.pack(value + BIAS), none)), 8


def _text(value: str) -> tuple[bytes, bytes]:
    data = value.encode()
    return data[:TEXT_BYTES].ljust(TEXT_BYTES, b"\0"), _digest(data)


def _float(value: float) -> bytes:
    bits = int(struct.unpack(">Q", struct.pack(">d", value + 0.0))[0])
    return TIME.pack(bits ^ (2**64 - 1) if bits >= BIAS else bits | BIAS)


class Entities:
    """The entity columns, and the names of their values' histories."""

    def __init__(self, plan: Plan) -> None:
        self.columns = sorted(plan.entities)
        self._write = [_ordered(plan.rows.columns[name])[0] for name in self.columns]

    def name(self, number: int, value: Any) -> bytes:
        """Return the name of the history of a value of an entity column."""
        head, tail = self._write[number](value)
        return bytes((number,)) + (
            head + tail if len(head) == NAME_BYTES - 1 - TAIL_BYTES else _digest(head + tail, 16)
        )

    def number(self, column: str) -> int:
        """Return the number of an entity column.

        Raises:
            DataError: No window has it as its entity.
        """
        if column not in self.columns:
            raise DataError(f"'{column}' is the entity of no window; there are {', '.join(self.columns) or 'none'}")
        return self.columns.index(column)
