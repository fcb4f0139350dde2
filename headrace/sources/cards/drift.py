"""A change of the process from a given day, for whoever wants to see a model grow old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.sources.cards.frauds import pick
from headrace.sources.cards.purchases import SECONDS_A_DAY, Purchases
from headrace.sources.cards.streams import Purpose, stream

if TYPE_CHECKING:
    from headrace.sources.cards.population import Population

STOLEN_DAYS = 7
TESTS_A_DAY = 6
HIGHEST_TEST = 2.0
SCENARIO = 4


@dataclass(kw_only=True)
class Drift:
    """From a day on, prices rise, and thieves try stolen cards.

    Prices: every amount is multiplied by `inflation`, after it is decided what is a fraud. A model that has learned
    that amounts over 220 are frauds now finds them in honest purchases.

    Scenario 4: `stolen_cards` customers a day. For seven days each card pays six times a day less than 2, at any time
    of the day, at any terminal of the land. These rows are added to what the customer does.
    """

    start: str
    inflation: float = 1.25
    stolen_cards: int = 10


def inflate(purchases: Purchases, factor: float) -> None:
    """Multiply all amounts."""
    purchases.amounts = np.round(purchases.amounts * factor, 2)


def try_stolen_cards(population: Population, seed: int, day: int, first_day: int, count: int) -> Purchases:
    """Return the day's rows of scenario 4; thieves have been at work since `first_day`."""
    stolen = [
        pick(seed, Purpose.STOLEN_CARDS, theft, population.customers, count)
        for theft in range(max(first_day, day - STOLEN_DAYS + 1), day + 1)
    ]
    customers = np.repeat(np.concatenate(stolen), TESTS_A_DAY)
    draw = stream(seed, Purpose.CARD_TESTS, day)
    return Purchases(
        seconds=draw.integers(0, SECONDS_A_DAY, len(customers)),
        customers=customers,
        terminals=draw.integers(0, population.terminals, len(customers)),
        amounts=np.round(draw.uniform(0.01, HIGHEST_TEST, len(customers)), 2),
        scenarios=np.full(len(customers), SCENARIO, dtype=np.int64),
    )
