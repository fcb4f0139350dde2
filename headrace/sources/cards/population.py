"""Who buys and where: customers and terminals on a square of 100 by 100."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.sources.cards.neighbourhoods import SIDE, Neighbourhoods, find_neighbourhoods
from headrace.sources.cards.streams import Purpose, stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEAN_AMOUNTS = (5.0, 100.0)
MEAN_PURCHASES_A_DAY = (0.0, 4.0)


@dataclass(frozen=True)
class Population:
    """Customers' habits, and where they can buy."""

    mean_amounts: NDArray[np.float64]
    """By customer; the standard deviation is half of it."""
    mean_purchases: NDArray[np.float64]
    """By customer, a day."""
    neighbourhoods: Neighbourhoods
    buys: NDArray[np.bool_]
    """By customer: whether any terminal is in reach."""

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return len(self.mean_amounts)

    @property
    def terminals(self) -> int:
        """How many terminals there are."""
        return len(self.neighbourhoods.names)


def populate(customers: int, terminals: int, radius: float, seed: int) -> Population:
    """Draw the customers and the terminals."""
    draw = stream(seed, Purpose.CUSTOMERS)
    homes = draw.uniform(0, SIDE, (customers, 2))
    mean_amounts = draw.uniform(*MEAN_AMOUNTS, customers)
    mean_purchases = draw.uniform(*MEAN_PURCHASES_A_DAY, customers)
    shops = stream(seed, Purpose.TERMINALS).uniform(0, SIDE, (terminals, 2))
    neighbourhoods = find_neighbourhoods(homes, shops, radius)
    return Population(mean_amounts, mean_purchases, neighbourhoods, neighbourhoods.reaches())
