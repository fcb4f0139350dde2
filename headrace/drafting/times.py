"""Which column says when a row happened, and whether time can be split."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.declaration.sql import quoted
from headrace.drafting.facts import ROWS
from headrace.drafting.gathering import one_row
from headrace.errors import ConfigError
from headrace.sources.planning import EMPTY_DAYS
from headrace.words import known

if TYPE_CHECKING:
    import duckdb

    from headrace.drafting.guesses import Guess

OF_THE_ROW = re.compile(
    r"^(date|time|datetime|timestamp|ts|day|when|at)$|(_|^)at$|created|event|order|transaction|tx_|occurred|recorded|"
    r"observed|measured|sold|visit|period|(^|_)(date|time|datetime|timestamp)$",
    re.IGNORECASE,
)
OF_SOMETHING_ELSE = re.compile(r"birth|dob|expir|valid|until|due|end|closed|cancel|updated|modified", re.IGNORECASE)
FEWEST_DAYS = 10
MOST_DAYS = 6_000
"""Each day is a file."""
MOST_UNDATED = 0.01
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Time:
    """When rows happened."""

    name: str
    why: str
    first: dt.date
    last: dt.date
    """The last day with a row whose label is known."""
    days: int
    """With rows, of those between the two."""

    @property
    def span(self) -> int:
        """The days from the first to the last one."""
        return (self.last - self.first).days + 1

    @property
    def until(self) -> str:
        """The day after the last one."""
        return (self.last + DAY).isoformat()


def choose_time(
    connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], label: str, asked: str | None
) -> tuple[Time | None, str]:
    """Return the column that says when, or None and why there is none.

    Raises:
        ConfigError: what is asked for is no column of times, or its days cannot be used.
    """
    if asked is not None:
        return _asked(connection, guesses, label, asked), ""
    times = [guess for name, guess in guesses.items() if guess.is_time and name != label]
    if not times:
        return None, "no column says when a row happened"
    ranked = sorted(
        times, key=lambda guess: (bool(OF_SOMETHING_ELSE.search(guess.name)), not OF_THE_ROW.search(guess.name))
    )
    unfit = []
    for guess in ranked:
        if OF_SOMETHING_ELSE.search(guess.name):
            unfit.append(f"'{guess.name}' is named like another day than the row's own")
            continue
        time, problem = _measure(connection, guess, label)
        if not problem:
            return time, ""
        unfit.append(f"'{guess.name}' {problem}")
    return None, "; ".join(unfit)


def _asked(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], label: str, asked: str) -> Time:
    guess = guesses.get(asked)
    if guess is None:
        raise ConfigError(f"--time: there is no column '{asked}'; {known(asked, guesses)}")
    if not guess.is_time:
        raise ConfigError(f"--time: '{asked}' is a {guess.type}; it has to hold times, such as 2024-12-31 23:59:00")
    time, problem = _measure(connection, guess, label)
    if problem:
        raise ConfigError(f"--time: '{asked}' {problem}")
    return time


def _measure(connection: duckdb.DuckDBPyConnection, guess: Guess, label: str) -> tuple[Time, str]:
    found = one_row(
        connection,
        f"SELECT min(day), max(day) FILTER (WHERE labelled), count(DISTINCT day) FROM "
        f"(SELECT {quoted(guess.name)}::DATE AS day, {quoted(label)} IS NOT NULL AS labelled FROM {ROWS}) "
        "WHERE day IS NOT NULL",
    )
    first, last, days = found
    if first is None or last is None:
        return Time(guess.name, "", dt.date.min, dt.date.min, 0), "is in no row that has a label"
    time = Time(guess.name, f"{guess.why[0]}" if guess.why else "", first, last, days)
    return time, _problem(time, guess)


def _problem(time: Time, guess: Guess) -> str:
    undated = (guess.missing + guess.rejected) / guess.rows
    if undated > MOST_UNDATED:
        return f"is missing in {100 * undated:.3g} % of the rows"
    if time.span < FEWEST_DAYS:
        return f"spans {time.span} days: too few to split by time"
    if time.span > EMPTY_DAYS + 10 * time.days:
        return f"has rows on {time.days:,} of {time.span:,} days: too few to keep the rows by day"
    if time.span > MOST_DAYS:
        return f"spans {time.span:,} days: too many to keep the rows by day"
    return ""
