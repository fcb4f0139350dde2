"""Past which limits `validate` stops, with room beyond what the rows are like today."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.declaration.rows import Limits
from headrace.declaration.sql import quoted
from headrace.drafting.facts import ROWS
from headrace.drafting.gathering import one_row
from headrace.validation.conforming import UNCAST

if TYPE_CHECKING:
    import duckdb

    from headrace.drafting.guesses import Guess
    from headrace.drafting.times import Time

REJECTED = 0.01
TWICE = 2
MORE = 0.05
"""How much more may be missing, where little is."""
ROWS_OF_A_DAY = 200
"""With fewer rows in a day, the share of missing values is chance."""


def guess_limits(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], time: Time | None) -> Limits:
    """Return the limits: twice what is rejected and missing today, and half the rows."""
    rows = next(iter(guesses.values())).rows
    rejected = _rejected(connection, guesses, time)
    share = max(REJECTED, _up(TWICE * rejected / rows))
    if time is None:
        nulls = {name: guess.missing / rows for name, guess in guesses.items() if guess.missing}
        return Limits(rejected_share=share, minimum_rows=_down(rows / 2), null_share=_room(nulls))
    nulls = _daily_nulls(connection, guesses, time) if rows >= ROWS_OF_A_DAY * time.days else {}
    return Limits(rejected_share=share, minimum_rows=0 if time.days < time.span else 1, null_share=_room(nulls))


def _rejected(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], time: Time | None) -> int:
    bad = [quoted(UNCAST + name) for name, guess in guesses.items() if guess.rejected]
    bad += [f"{quoted(time.name)} IS NULL"] if time else []
    if not bad:
        return 0
    found = one_row(connection, f"SELECT count_if({' OR '.join(bad)}) FROM {ROWS}")
    return int(found[0])


def _daily_nulls(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], time: Time) -> dict[str, float]:
    gappy = [guess for name, guess in guesses.items() if guess.missing and name != time.name]
    if not gappy:
        return {}
    shares = ", ".join(f"1 - count({quoted(guess.name)}) / count(*) AS share_{n}" for n, guess in enumerate(gappy))
    largest = ", ".join(f"max(share_{n})" for n in range(len(gappy)))
    day = f"{quoted(time.name)}::DATE"
    found = one_row(
        connection,
        f"SELECT {largest} FROM (SELECT {shares} FROM {ROWS} WHERE {day} IS NOT NULL GROUP BY {day})",
    )
    return {guess.name: share for guess, share in zip(gappy, found, strict=True)}


def _room(shares: dict[str, float]) -> dict[str, float]:
    return {name: share for name, each in shares.items() if (share := _up(max(TWICE * each, each + MORE))) < 1}


def _up(share: float) -> float:
    return math.ceil(share * 100) / 100


def _down(rows: float) -> int:
    magnitude = 10 ** max(math.floor(math.log10(max(rows, 1))), 0)
    return max(int(rows // magnitude * magnitude), 1)
