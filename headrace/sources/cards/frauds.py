"""Which of a day's purchases are frauds: the three scenarios of the handbook, a later one over an earlier one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from headrace.sources.cards.streams import Purpose, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.sources.cards.population import Population
    from headrace.sources.cards.purchases import Purchases

HIGHEST_HONEST_AMOUNT = 220
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28
CUSTOMERS_A_DAY, CUSTOMER_DAYS = 3, 14
SHARE, FACTOR = 1 / 3, 5


def commit_frauds(purchases: Purchases, population: Population, seed: int, day: int, first_day: int) -> None:
    """Mark the day's frauds, and raise the amounts that scenario 3 raises.

    1: an amount over 220. 2: two terminals a day, all of whose purchases of 28 days are frauds. 3: three customers a
    day, a third of whose purchases of 14 days are frauds of five times the amount. The handbook takes exactly a third
    of each customers' group, when all 14 days are over; here each purchase is one with a chance of a third, so that no
    day needs a later one.
    """
    purchases.scenarios[purchases.amounts > HIGHEST_HONEST_AMOUNT] = 1

    hit = np.zeros(population.terminals, dtype=bool)
    for start in range(max(first_day, day - TERMINAL_DAYS + 1), day + 1):
        hit[pick(seed, Purpose.COMPROMISED_TERMINALS, start, population.terminals, TERMINALS_A_DAY)] = True
    purchases.scenarios[hit[purchases.terminals]] = 2

    draw = stream(seed, Purpose.COMPROMISED_PURCHASES, day)
    for start in range(max(first_day, day - CUSTOMER_DAYS + 1), day + 1):
        known = np.zeros(population.customers, dtype=bool)
        known[pick(seed, Purpose.COMPROMISED_CUSTOMERS, start, population.customers, CUSTOMERS_A_DAY)] = True
        theirs = np.flatnonzero(known[purchases.customers])
        chosen = theirs[draw.random(len(theirs)) < SHARE]
        purchases.amounts[chosen] = np.round(purchases.amounts[chosen] * FACTOR, 2)
        purchases.scenarios[chosen] = 3


@lru_cache(maxsize=128)
def pick(seed: int, purpose: Purpose, day: int, among: int, count: int) -> NDArray[np.int64]:
    """Return `count` different numbers below `among` that fall victim on a day; the same ones whoever asks."""
    return stream(seed, purpose, day).choice(among, min(count, among), replace=False)
