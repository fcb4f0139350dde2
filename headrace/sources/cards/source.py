"""The source `simulated_cards`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import ConfigError, SourceError
from headrace.sources.cards.drift import Drift, inflate, try_stolen_cards
from headrace.sources.cards.frauds import commit_frauds
from headrace.sources.cards.population import Population, populate
from headrace.sources.cards.purchases import SECONDS_A_DAY, Purchases, buy
from headrace.sources.days import parse_day
from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

IDS_A_DAY = 10_000_000
"""Transaction ids of a day start at this times the days since the first."""
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(kw_only=True)
class SimulatedCards:
    """Card transactions by the process of "Reproducible Machine Learning for Credit Card Fraud Detection" (chapter 3).

    A day's rows follow from the arguments and the day alone: no day needs another one to be drawn, and the same
    arguments give the same rows, bit for bit.

    Columns: `transaction_id`, `tx_datetime` (whole seconds), `customer_id`, `terminal_id`, `tx_amount` (two decimals),
    `tx_fraud`, `tx_fraud_scenario`.
    """

    customers: int = 5_000
    """How many pay, each in their own way."""
    terminals: int = 10_000
    """Where they pay."""
    radius: float = 5.0
    """How far a customer goes to a terminal, on a square of 100 by 100."""
    start: str = "2018-04-01"
    """The first day."""
    seed: int = 0
    """Another one gives other people and purchases of the same kind."""
    drift: Drift | None = None
    """What changes over time; nothing where it is left out."""

    def __post_init__(self) -> None:
        """Check what a type cannot say."""
        self._check_params()

    @property
    def daily(self) -> bool:
        """Any range of days can be asked for."""
        return True

    def identity(self) -> dict[str, Any]:
        """Return all that the rows follow from: the arguments, the code here, and NumPy's random streams."""
        code = {file.name: digest(file) for file in Path(__file__).parent.glob("*.py")}
        return {**asdict(self), "code": code, "numpy": np.__version__}

    def read(self, since: date | None, until: date | None) -> Iterator[pa.Table]:
        """Yield the rows of each day from `since` (the first of all where it is None) up to and without `until`."""
        if until is None:
            raise ConfigError("until: 'all' has no end with simulated cards; write a day such as 2018-08-15")
        first = parse_day(self.start, "start")
        if until <= first:
            raise SourceError(f"until: there are no rows before {until}; source.start is {first}")
        population = populate(self.customers, self.terminals, self.radius, self.seed)
        for day in range(max(since or first, first).toordinal(), until.toordinal()):
            yield _table(self._simulate(population, day, first.toordinal()), day, first.toordinal())

    def _simulate(self, population: Population, day: int, first: int) -> Purchases:
        purchases = buy(population, self.seed, day)
        commit_frauds(purchases, population, self.seed, day, first)
        if self.drift and day >= (change := parse_day(self.drift.start, "drift.start").toordinal()):
            inflate(purchases, self.drift.inflation)
            thefts = try_stolen_cards(population, self.seed, day, change, self.drift.stolen_cards)
            purchases = purchases.with_others(thefts)
        return purchases.in_order_of_time()

    def _check_params(self) -> None:
        for name, lowest in {"customers": 1, "terminals": 1, "seed": 0}.items():
            if getattr(self, name) < lowest:
                raise ConfigError(f"{name}: must be {lowest} or more, found {getattr(self, name)}")
        if not self.radius > 0:
            raise ConfigError(f"radius: must be more than 0, found {self.radius}")
        parse_day(self.start, "start")
        if self.drift:
            parse_day(self.drift.start, "drift.start")
            if not self.drift.inflation > 0:
                raise ConfigError(f"drift.inflation: must be more than 0, found {self.drift.inflation}")
            if self.drift.stolen_cards < 0:
                raise ConfigError(f"drift.stolen_cards: must be 0 or more, found {self.drift.stolen_cards}")


def _table(purchases: Purchases, day: int, first: int) -> pa.Table:
    import pyarrow as pa

    microseconds = ((day - EPOCH) * SECONDS_A_DAY + purchases.seconds) * 1_000_000
    numbers = (day - first) * IDS_A_DAY + np.arange(len(purchases.seconds))
    columns = {
        "transaction_id": (pa.int64(), numbers),
        "tx_datetime": (pa.timestamp("us"), microseconds),
        "customer_id": (pa.int64(), purchases.customers),
        "terminal_id": (pa.int64(), purchases.terminals),
        "tx_amount": (pa.float64(), purchases.amounts),
        "tx_fraud": (pa.int64(), (purchases.scenarios > 0).astype(np.int64)),
        "tx_fraud_scenario": (pa.int64(), purchases.scenarios),
    }
    # By buffers: pa.array() would import pandas, which takes longer than to simulate 100 days.
    return pa.table(
        {
            name: pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(column)])
            for name, (kind, column) in columns.items()
        }
    )
