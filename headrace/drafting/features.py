"""What a model sees of a row: the columns that it can use, and parts of times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.declaration.sql import quoted
from headrace.drafting.naming import free_name

if TYPE_CHECKING:
    from headrace.drafting.guesses import Guess
    from headrace.drafting.times import Time

YEAR_DAYS = 365
EPOCH = "2000-01-01"


@dataclass(frozen=True)
class Expression:
    """A feature that is computed from a row."""

    name: str
    sql: str
    why: str


def expressions_of(times: list[Guess], time: Time | None, taken: list[str]) -> list[Expression]:
    """Return parts of times as features: a model takes numbers and texts.

    Args:
        times: The columns of times and days that may be used.
        time: When rows happened; None where rows have no time.
        taken: Names that are taken.
    """
    names = list(taken)
    found: list[Expression] = []
    for guess in times:
        for suffix, sql, why in _parts(guess, time):
            name = free_name(f"{guess.name}_{suffix}", names)
            names.append(name)
            found.append(Expression(name, sql, why))
    return found


def _parts(guess: Guess, time: Time | None) -> list[tuple[str, str, str]]:
    value = quoted(guess.name)
    parts = []
    if guess.type == "timestamp" and _has_clock(guess):
        parts.append(("hour", f"hour({value})", "the hour of the day"))
    parts.append(("weekday", f"isodow({value})", "1 is Monday"))
    long = guess.low is not None and (guess.high - guess.low).days >= YEAR_DAYS
    if long and (time is None or time.name != guess.name or time.span >= 2 * YEAR_DAYS):
        parts.append(("month", f"month({value})", "1 is January"))
    if time is not None and time.name != guess.name:
        parts.append(("days", f"date_diff('day', {value}, {quoted(time.name)})", f"days until {time.name}"))
    elif time is None:
        parts.append(("day", f"date_diff('day', DATE '{EPOCH}', {value}::DATE)", f"days since {EPOCH}"))
    return parts


def _has_clock(guess: Guess) -> bool:
    """Return whether a column has more than midnights; one that was taken for days has none."""
    if not isinstance(guess.low, dt.datetime):
        return False
    moments = [moment for moment, _ in guess.counts] or [guess.low, guess.high]
    return any(moment.hour or moment.minute for moment in moments) or not guess.counts
