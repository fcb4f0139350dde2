"""What the rows say of each column once they are in their types: brought there by the code that `validate` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.declaration.rows import Schema
from headrace.declaration.sql import quoted
from headrace.drafting.gathering import GIVEN, one_row
from headrace.drafting.texts import MOST_PLACEHOLDERS, PLAIN, SLIPS, looks_like_placeholder, other_form
from headrace.validation.conforming import UNCAST, conforming_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

    from headrace.drafting.guesses import Guess
    from headrace.sources.plain import Written

ROWS = "rows"
AT_ONCE = 100
"""Columns in one query: DuckDB plans wide ones slowly."""
FEW = 300
"""Different values up to which they are counted one by one."""
WIDE = 200
"""Columns above which few numbers are counted so: a query for each takes its time."""
VERY_FEW = 12
"""The values of a number up to which it is, then: of interest is whether it is always the same, or 0 and 1."""
NEARLY_ALL = 0.9
"""What DuckDB's estimate of different values may fall short by."""


def settle_types(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], source: Written) -> None:
    """Make the table `rows`, in the types that are taken, and change those that too many rows do not have.

    Args:
        connection: Its table `given` has the rows as they came.
        guesses: What columns are taken for; changed where it does not hold for all rows.
        source: The source, whose `times` and `numbers` are filled in.
    """
    wrong = True
    while wrong:
        source.times = {name: guess.time for name, guess in guesses.items() if guess.time}
        source.numbers = {name: guess.number for name, guess in guesses.items() if guess.number}
        _conform(connection, guesses, source)
        wrong = _revise(connection, guesses)


def _conform(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], source: Written) -> None:
    columns = {name: guess.declared() for name, guess in guesses.items()}
    schema = Schema(key="", timestamp=None, columns=columns)
    arrow = connection.sql(f"FROM {GIVEN} LIMIT 0").to_arrow_table().schema
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {source.plain_sql(GIVEN)}")
    connection.execute(f"CREATE OR REPLACE TABLE {ROWS} AS {conforming_query(arrow, schema)}")


def _revise(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess]) -> bool:
    """Count values of another kind; return whether a column had to be taken for something else."""
    revised = False
    for some in _batches(guesses.values()):
        counted = ", ".join(f"count_if({quoted(UNCAST + guess.name)})" for guess in some)
        found = one_row(connection, f"SELECT {counted} FROM {ROWS}")
        for guess, rejected in zip(some, found, strict=True):
            guess.rejected = rejected
            if rejected and guess.raw == "text":
                revised |= _look_again(connection, guess)
            elif rejected:
                guess.type, revised = ("float" if guess.is_number else "string"), True
    return revised


def _look_again(connection: duckdb.DuckDBPyConnection, guess: Guess) -> bool:
    value = quoted(guess.name)
    # Rows of a table and of what was made of it are in the same order.
    found = connection.execute(
        f"SELECT given.{value}, count(*) FROM {GIVEN} AS given POSITIONAL JOIN {ROWS} AS typed "
        f"WHERE typed.{quoted(UNCAST + guess.name)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_PLACEHOLDERS + 1}"
    ).fetchall()
    words = [text for text, _ in found if looks_like_placeholder(text)]
    numbers = [text for text, _ in found if PLAIN.fullmatch(text.strip())]
    if guess.type == "integer" and numbers:
        guess.type = "float"
        return True
    if words and len(found) <= MOST_PLACEHOLDERS:
        guess.null_values = sorted({*guess.null_values, *words})
        return True
    if guess.rejected > SLIPS * one_row(connection, f"SELECT count(*) FROM {ROWS}")[0]:
        if guess.swapped is None and guess.time is not None and other_form(guess.time):
            guess.swapped, guess.time = guess.time, other_form(guess.time)
            guess.why = [f"written like {found[0][0]}"]
            return True
        guess.mixed = f"{guess.rejected:,} values are no {guess.type}, such as {found[0][0]!r}: taken as texts"
        guess.type, guess.time, guess.number, guess.why = "string", None, None, []
        return True
    guess.mixed = f"{guess.rejected:,} values are no {guess.type}, such as {found[0][0]!r}: such rows are rejected"
    return False


def count_facts(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], label: str) -> None:
    """Fill in what the rows say of each column."""
    for some in _batches(guesses.values()):
        asked = ", ".join(part for guess in some for part in _asked(guess))
        found = one_row(connection, f"SELECT count(*), {asked} FROM {ROWS}")
        answers = iter(found[1:])
        for guess in some:
            _fill(guess, found[0], answers)
    for guess in guesses.values():
        few = FEW if guess.is_text or guess.name == label or len(guesses) <= WIDE else VERY_FEW
        if guess.distinct <= few:
            guess.counts = _count_each(connection, guess)
            guess.distinct = len(guess.counts)
        elif guess.distinct >= NEARLY_ALL * guess.present and guess.type in ("integer", "string"):
            guess.distinct = one_row(connection, f"SELECT count(DISTINCT {quoted(guess.name)}) FROM {ROWS}")[0]


def _asked(guess: Guess) -> Iterator[str]:
    value = quoted(guess.name)
    yield f"count({value})"
    yield f"approx_count_distinct({value})"
    if guess.is_text:
        yield from (f"max(length({value}))", f"avg(len(regexp_split_to_array({value}, '\\s+')))")
    elif guess.type == "boolean":
        yield from ("NULL", "NULL")
    else:
        yield from (f"min({value})", f"max({value})")


def _fill(guess: Guess, rows: int, answers: Iterator[Any]) -> None:
    guess.rows, guess.missing = rows, rows - next(answers) - guess.rejected
    guess.distinct = next(answers)
    first, second = next(answers), next(answers)
    if guess.is_text:
        guess.longest, guess.words = first or 0, float(second or 0)
    else:
        guess.low, guess.high = first, second


def _count_each(connection: duckdb.DuckDBPyConnection, guess: Guess) -> list[tuple[Any, int]]:
    value = quoted(guess.name)
    found: list[tuple[Any, int]] = connection.execute(
        f"SELECT {value}, count(*) FROM {ROWS} WHERE {value} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return found


def _batches(guesses: Iterable[Guess]) -> Iterator[list[Guess]]:
    every = list(guesses)
    for first in range(0, len(every), AT_ONCE):
        yield every[first : first + AT_ONCE]
