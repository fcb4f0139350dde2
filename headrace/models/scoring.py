"""A model asked with values in an order of their own: one row in microseconds, many at once, and why."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.models.balance import restore
from headrace.models.inputs import CATEGORY, codes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.models.families import Estimator
    from headrace.models.inputs import Input

Value = float | str | None
"""A number, NaN where it is missing; a category, None where it is missing."""


class Contributions(NamedTuple):
    """What makes the log-odds of the positive class: their sum."""

    base: float
    of: list[tuple[str, Value, float]]
    """Feature, its value (None for a missing one) and what it adds, the largest first, whatever its sign."""


class Scorer:
    """Says the probability of the positive class. One thread at a time may ask about a row.

    Args:
        estimator: What predicts from a matrix of inputs.
        inputs: The columns of that matrix.
        weight: What a negative counted in training.
        names: What values are of, in their order.

    Raises:
        DataError: A feature that the model takes is not among them.
    """

    def __init__(self, estimator: Estimator, inputs: Sequence[Input], weight: float, names: Sequence[str]) -> None:
        missing = [each.name for each in inputs if each.name not in names]
        if missing:
            raise DataError(f"the model takes features that are not there: {', '.join(missing)}")
        self.explains = estimator.explains
        self._estimator, self._inputs, self._weight = estimator, inputs, weight
        places = [list(names).index(each.name) for each in inputs]
        self._take: Callable[[Sequence[Value]], Sequence[Value]] = (
            itemgetter(*places) if len(places) > 1 else lambda values: [values[places[0]]]
        )
        self._codes = [
            (column, codes_of(each.categories or ())) for column, each in enumerate(inputs) if each.type == CATEGORY
        ]
        self._row = np.empty((1, len(inputs)))
        self._predict = estimator.of_row(self._row)

    def __call__(self, values: Sequence[Value]) -> float:
        """Return the probability of the positive class for a row."""
        self._fill(values)
        probability, weight = self._predict(), self._weight
        if weight == 1:
            return probability
        return weight * probability / (weight * probability + 1 - probability)

    def many(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        """Return the probability of the positive class for each row, (rows,)."""
        if not rows:
            return np.empty(0)
        return restore(self._estimator.predict(self._matrix(rows)), self._weight)

    def contributions(self, values: Sequence[Value]) -> Contributions:
        """Return what each feature adds to the log-odds of a row.

        Raises:
            DataError: This kind of model cannot say exactly.
        """
        [told] = self._estimator.contributions(self._matrix([values]))
        named = [
            (each.name, None if value != value else value, float(part))  # noqa: PLR0124  NaN alone is not itself
            for each, value, part in zip(self._inputs, self._take(values), told[:-1], strict=True)
        ]
        named.sort(key=lambda each: -abs(each[2]))
        # Where a negative counted b, the odds of the real world are b times those that the model says (balance.py).
        return Contributions(float(told[-1]) + math.log(self._weight), named)

    def _fill(self, values: Sequence[Value]) -> None:
        taken = self._take(values)
        if self._codes:
            taken = list(taken)
            for column, codes in self._codes:
                taken[column] = codes.get(taken[column], math.nan)
        self._row[0] = taken

    def _matrix(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        taken = list(map(self._take, rows))
        if not self._codes:
            return np.array(taken, dtype=np.float64)
        matrix = np.empty((len(rows), len(self._inputs)))
        of_category = dict(self._codes)
        for column, values in enumerate(zip(*taken, strict=True)):
            codes = of_category.get(column)
            matrix[:, column] = values if codes is None else [codes.get(value, math.nan) for value in values]
        return matrix
