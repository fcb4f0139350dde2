"""Histories of those whose rows come again: proposed, for a person to take over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.declaration.sql import quoted
from headrace.drafting.keys import looks_like_identity

if TYPE_CHECKING:
    from headrace.drafting.guesses import Guess
    from headrace.drafting.times import Time

FEWEST_DIFFERENT = 20
AGAIN = 3
"""How many rows each has on average."""
MOST_ENTITIES = 2
MOST_AMOUNTS = 2
SPANS = ((365, ("30d", "90d")), (90, ("7d", "30d")), (0, ("1d", "7d")))
"""How far windows look back, by the days that there are."""


@dataclass(frozen=True)
class WindowGuess:
    """A window over an entity's rows."""

    entity: str
    why: str
    spans: tuple[str, ...]
    aggregates: dict[str, str] = field(default_factory=dict)


def propose_windows(
    guesses: dict[str, Guess], left_out: dict[str, str], features: list[str], time: Time | None, key: str
) -> list[WindowGuess]:
    """Return windows over columns that are no features and name somebody whose rows come again."""
    if time is None:
        return []
    amounts = [name for name in features if guesses[name].type == "float" or guesses[name].type.startswith("decimal")]
    aggregates = {"count": "count(*)", "seconds_since_last": "seconds_since_last()"}
    for number, name in enumerate(amounts[:MOST_AMOUNTS]):
        aggregates[f"mean_{_word(name, number)}"] = f"avg({quoted(name)})"
    spans = next(spans for days, spans in SPANS if time.span >= days)
    found = []
    for name in left_out:
        guess = guesses[name]
        repeats = FEWEST_DIFFERENT <= guess.distinct <= guess.present / AGAIN
        if name not in (key, time.name) and repeats and looks_like_identity(name) and not guess.is_time:
            why = f"{guess.distinct:,} of them, with {guess.present / guess.distinct:.0f} rows each on average"
            found.append(WindowGuess(name, why, spans, aggregates))
    return found[:MOST_ENTITIES]


def _word(name: str, number: int) -> str:
    return name if name.isidentifier() else f"amount_{number + 1}"
