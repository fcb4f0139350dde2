"""Which terminals a customer reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 100.0
RUNS = 3


@dataclass(frozen=True)
class Neighbourhoods:
    """The terminals that are less than a radius away from each customer.

    Terminals are sorted into square cells at least a radius wide. What a customer reaches lies in the customer's cell
    or the eight around it: three runs of the sorted terminals, of which roughly a third is in reach. To draw terminals
    from the runs until one is in reach is as fair as to draw from a list of all that are, and needs no list: at ten
    times the published size it would hold 38 million pairs, for the sake of one day too.
    """

    radius: float
    homes: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Across and up, by customer."""
    shops: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Across and up, by position in the cells' order."""
    names: NDArray[np.int64]
    """The terminal at each position."""
    ends: tuple[NDArray[np.int64], ...]
    """How many terminals a customer's runs hold up to the end of the first, second and third, by customer."""
    shifts: NDArray[np.int64]
    """What added to a number below the third of `ends` gives a position: by customer, for each of the runs."""

    def draw(self, customers: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        """Return a terminal in reach for each of `customers`, all of whom have one."""
        chosen = np.empty(len(customers), dtype=np.int64)
        waiting = np.arange(len(customers))
        while len(waiting):
            who = customers[waiting]
            position, near = self._look(who, (random.random(len(who)) * self.ends[-1][who]).astype(np.int64))
            chosen[waiting[near]] = self.names[position[near]]
            waiting = waiting[~near]
        return chosen

    def reaches(self) -> NDArray[np.bool_]:
        """Return whether each customer has a terminal in reach."""
        found = np.zeros(len(self.homes[0]), dtype=bool)
        seen = 0
        while len(looking := np.flatnonzero(~found & (self.ends[-1] > seen))):
            _, near = self._look(looking, np.full(len(looking), seen))
            found[looking] = near
            seen += 1
        return found

    def _look(self, who: NDArray[np.int64], number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the position of a customer's numbered neighbour, and whether it is in reach."""
        run = (number >= self.ends[0][who]).astype(np.int64) + (number >= self.ends[1][who])
        position = self.shifts[who * RUNS + run] + number
        across = self.homes[0][who] - self.shops[0][position]
        up = self.homes[1][who] - self.shops[1][position]
        return position, across * across + up * up < self.radius * self.radius


def find_neighbourhoods(homes: NDArray[np.float64], shops: NDArray[np.float64], radius: float) -> Neighbourhoods:
    """Sort the terminals into cells.

    Args:
        homes: The customers' places on the square, shape (customers, 2).
        shops: The terminals' places, shape (terminals, 2).
        radius: A terminal nearer than this is in reach.
    """
    cell = max(radius, 1.0)
    width = int(SIDE // cell) + 3  # with an empty cell around the square

    def number(places: NDArray[np.float64]) -> NDArray[np.int64]:
        cells = (places // cell).astype(np.int64) + 1
        return np.asarray(cells[:, 0] * width + cells[:, 1])

    numbers = number(shops)
    names = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[names], np.arange(width * width + 1))
    middle = number(homes)[:, None] + np.array([-width, 0, width])
    starts = first[middle - 1]
    lengths = first[middle + 2] - starts
    ends = np.cumsum(lengths, axis=1)
    return Neighbourhoods(
        radius=radius,
        homes=(homes[:, 0].copy(), homes[:, 1].copy()),
        shops=(shops[names, 0], shops[names, 1]),
        names=names,
        ends=tuple(ends[:, run].copy() for run in range(RUNS)),
        shifts=(starts - ends + lengths).ravel(),
    )
