"""What the log takes, and what it gives back."""

from __future__ import annotations

import datetime as dt
import time
from enum import StrEnum
from random import getrandbits
from typing import Any

import msgspec

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, before it is given."""

    request_id: str
    time: dt.datetime
    """With its zone."""
    subject: Any
    """Whose row it is, as the row has it; hashed and never stored. None where nobody's."""
    instance: Any
    """What was asked, as JSON takes it: a request that is repeated asks the same."""
    features: Any
    """What the model saw, as JSON takes it."""
    score: float
    decision: str
    variant: str
    model_version: str
    prediction: Any = None
    """What was predicted, as JSON takes it."""
    probabilities: dict[str, float] | None = None
    """Of each class, where there are three or more."""
    rule: str | None = None
    """The rule that decided; None where the model did."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about an answer, which came later."""

    label: Any
    at: dt.datetime
    """When the label became known."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given."""

    request_id: str
    time: dt.datetime
    payload: dict[str, Any]
    """What was asked as `instance`, what the model saw as `features`, `prediction`, `probabilities` where there are
    three or more classes, and `rule`; as JSON has them."""
    score: float
    """The probability of the positive class, or of the class that was predicted, or the number."""
    decision: str
    variant: str
    model_version: str
    key_id: str
    """The key that it is encrypted with."""
    outcome: Outcome | None = None


class Repeated(msgspec.Struct, frozen=True):
    """The request was answered before; the earlier answer stands."""

    stored: Stored


class Recorded(StrEnum):
    """What became of an outcome."""

    recorded = "recorded"
    same = "same"
    """It was known already."""


def new_request_id() -> str:
    """Return a UUID of version 7: it begins with the time, so that the log's index grows at its end.

    Ids in no order cost a page of 4 kB for each row of a large log.
    """
    drawn = getrandbits(74)
    bits = time.time_ns() // 1_000_000 << 80 | 7 << 76 | (drawn >> 62) << 64 | 2 << 62 | drawn & (1 << 62) - 1
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def to_microseconds(time: dt.datetime) -> int:
    """Return microseconds since 1970, UTC."""
    return (time - EPOCH) // MICROSECOND


def from_microseconds(time: int) -> dt.datetime:
    """Return the time in UTC."""
    return EPOCH + time * MICROSECOND
