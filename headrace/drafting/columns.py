"""What is declared of a column: whether it is a category, which values it may have, and who is no feature, and why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.drafting.keys import says_who_it_is

if TYPE_CHECKING:
    from headrace.drafting.guesses import Guess

MOST_CATEGORIES = 200
CERTAINLY_FEW = 30
OFTEN = 10
"""How often a value of a category is found on average, where there are more than few."""
LONGEST_CATEGORY = 80
MOST_LISTED = 20
WHOLE_SET_ROWS = 100
SEEN_BEFORE = 5
"""Where even the rarest value was seen so often, the next row hardly brings a new one (Good and Turing)."""
ROOM = 10
FREE_TEXT_WORDS = 4
FREE_TEXT_LENGTH = 60


def settle_column(guess: Guess) -> None:
    """Say which values a column may have tomorrow, with room beyond those of today."""
    if guess.mixed:
        guess.why.append(guess.mixed)
    if guess.is_text:
        _settle_text(guess)
    elif guess.is_number and guess.counts and [value for value, _ in sorted(guess.counts)] == [0, 1]:
        guess.values = [0, 1]
    elif guess.is_number and guess.low is not None:
        _bound(guess)


def is_constant(guess: Guess) -> bool:
    """Return whether a column says nothing."""
    return guess.distinct <= 1


def reason_to_leave_out(guess: Guess) -> str:
    """Return why a column is no feature; nothing where it is one."""
    if is_constant(guess) and not (guess.present and guess.missing):
        return f"the same in all rows: {_short(guess.counts[0][0])}" if guess.counts else "empty in all rows"
    if says_who_it_is(guess) and guess.type in ("integer", "string") and guess.distinct > CERTAINLY_FEW:
        again = "unique" if guess.distinct == guess.present else f"{guess.distinct:,} of them"
        return f"says who it is ({again}): a model would learn it by heart"
    return _reason_of_text(guess) if guess.type == "string" else ""


def _reason_of_text(guess: Guess) -> str:
    if guess.words >= FREE_TEXT_WORDS or guess.longest > FREE_TEXT_LENGTH:
        return f"free text: {guess.words:.0f} words on average, up to {guess.longest} characters"
    if guess.distinct == guess.present:
        return "a text that is unique to its row: nothing to learn from"
    return f"{guess.distinct:,} different texts: too many for a category"


def _settle_text(guess: Guess) -> None:
    few = guess.distinct <= CERTAINLY_FEW and guess.distinct <= max(guess.present / 2, 2)
    often = guess.distinct <= MOST_CATEGORIES and guess.present >= OFTEN * guess.distinct
    if not guess.counts or is_constant(guess) or guess.longest > LONGEST_CATEGORY or not (few or often):
        guess.type = "string"
        return
    guess.type = "category"
    rarest = guess.counts[-1][1]
    if len(guess.counts) <= MOST_LISTED and rarest >= SEEN_BEFORE and guess.present >= WHOLE_SET_ROWS:
        guess.values = sorted(value for value, _ in guess.counts)
        guess.why.append(f"each in {rarest:,} rows or more")
    elif guess.distinct > 1:
        guess.why.append(f"{guess.distinct} values, some rare: others may come")


def _bound(guess: Guess) -> None:
    """Set bounds that catch a slip of a unit, such as cents for dollars, and leave room for a larger value."""
    low, high = float(guess.low), float(guess.high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    largest = max(abs(low), abs(high))
    if largest == 0 or largest > 1e15:
        return
    room = _rounded_up(ROOM * largest)
    guess.minimum = 0 if low >= 0 else -room
    guess.maximum = room
    guess.why.insert(0, f"from {_number(guess.low)} to {_number(guess.high)}")


def _rounded_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 ..., above a value; whole from 1 on."""
    magnitude = 10.0 ** math.floor(math.log10(value))
    step = next(each for each in (1, 2, 5, 10) if each * magnitude >= value)
    rounded = step * magnitude
    return round(rounded) if rounded >= 1 else float(f"{rounded:.1g}")


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{float(value):.6g}"  # type: ignore[arg-type]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 30 else text[:27] + "..."
