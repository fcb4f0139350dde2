"""The key of a row, read from the order that the live store knows the row by."""

from __future__ import annotations

import datetime as dt
import decimal
import struct
from typing import TYPE_CHECKING, Any

from headrace.declaration.types import decimal_arguments, type_kind
from headrace.live.layout import BIAS, EPOCH, TAIL_BYTES, TIME

if TYPE_CHECKING:
    from headrace.declaration.rows import Column

DECIMAL_BIAS = 2**127


def time_of(order: bytes) -> dt.datetime:
    """Return the time of an order, without a zone, as rows have it."""
    return at(TIME.unpack_from(order)[0] - BIAS)


def at(microseconds: int) -> dt.datetime:
    """Return microseconds since 1970 as a time without a zone."""
    return EPOCH + dt.timedelta(microseconds=microseconds)


def key_of(order: bytes, column: Column) -> Any:
    """Return the key of an order; of a text its first 40 bytes.

    Args:
        order: The time in 8 bytes, the key, 8 bytes that tell long texts and rows without a key apart.
        column: The key's column.

    Returns:
        The value, or None for a row without a key.
    """
    key = order[TIME.size : -TAIL_BYTES]
    if key == b"\xff" * len(key):
        return None
    kind = type_kind(column.type)
    if kind in {"string", "category"}:
        return key.rstrip(b"\0").decode(errors="ignore")
    if kind == "float":
        return _float(key)
    if kind == "decimal":
        scale = (decimal_arguments(column.type) or (0, 0))[1]
        return decimal.Decimal(int.from_bytes(key) - DECIMAL_BIAS).scaleb(-scale)
    if kind == "timestamp":
        return time_of(key)
    (number,) = TIME.unpack(key)
    return dt.date.fromordinal(number) if kind == "date" else number - BIAS


def _float(key: bytes) -> float:
    (bits,) = TIME.unpack(key)
    bits = bits ^ BIAS if bits >= BIAS else bits ^ (2**64 - 1)
    return float(struct.unpack(">d", TIME.pack(bits))[0])
