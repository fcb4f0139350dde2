"""What customers buy in a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.sources.cards.streams import Purpose, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.sources.cards.population import Population

SECONDS_A_DAY = 86_400
NOON = SECONDS_A_DAY / 2
DEVIATION_FROM_NOON = 20_000


@dataclass
class Purchases:
    """Rows of one day, as columns of equal length."""

    seconds: NDArray[np.int64]
    """Since midnight."""
    customers: NDArray[np.int64]
    terminals: NDArray[np.int64]
    amounts: NDArray[np.float64]
    scenarios: NDArray[np.int64]
    """0 where the row is no fraud."""

    def with_others(self, others: Purchases) -> Purchases:
        """Return these rows and others."""
        return Purchases(**{name: np.concatenate([column, vars(others)[name]]) for name, column in vars(self).items()})

    def in_order_of_time(self) -> Purchases:
        """Return the rows sorted by time; those of one second keep their order."""
        order = np.argsort(self.seconds, kind="stable")
        return Purchases(**{name: column[order] for name, column in vars(self).items()})


def buy(population: Population, seed: int, day: int) -> Purchases:
    """Draw a day's honest purchases.

    A customer buys a Poisson number of times. A time outside of the day loses the purchase. A negative amount is
    drawn again, uniformly up to twice the customer's mean. All terminals in reach are as likely; a customer who reaches
    none buys nothing.
    """
    draw = stream(seed, Purpose.PURCHASES, day)
    customers = np.repeat(np.arange(population.customers), draw.poisson(population.mean_purchases))
    seconds = np.trunc(draw.normal(NOON, DEVIATION_FROM_NOON, len(customers))).astype(np.int64)
    happens = (seconds > 0) & (seconds < SECONDS_A_DAY) & population.buys[customers]
    customers, seconds = customers[happens], seconds[happens]

    mean = population.mean_amounts[customers]
    amounts = draw.normal(mean, mean / 2)
    negative = amounts < 0
    amounts[negative] = draw.uniform(0, 2 * mean[negative])
    return Purchases(
        seconds=seconds,
        customers=customers,
        terminals=population.neighbourhoods.draw(customers, draw),
        amounts=np.round(amounts, 2),
        scenarios=np.zeros(len(customers), dtype=np.int64),
    )
