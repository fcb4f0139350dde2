"""A model asked with values in an order of their own: one row in microseconds, many at once, and why."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.models.inputs import CATEGORY, codes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.models.families import Estimator
    from headrace.models.inputs import Input

Value = float | str | None
"""A number, NaN where it is missing; a category, None where it is missing."""


class Contributions(NamedTuple):
    """What makes the log-odds of the positive class, the score of a class before softmax, or a number: their sum."""

    base: float
    of: list[tuple[str, Value, float]]
    """Feature, its value (None for a missing one) and what it adds, the largest first, whatever its sign."""


class Scorer:
    """Says the probability of the positive class, or a number. One thread at a time may ask about a row.

    Args:
        estimator: What predicts from a matrix of inputs.
        inputs: The columns of that matrix.
        weight: What a negative counted in training; None of a number.
        names: What values are of, in their order.

    Raises:
        DataError: A feature that the model takes is not among them.
    """

    def __init__(self, estimator: Estimator, inputs: Sequence[Input], weight: Any, names: Sequence[str]) -> None:
        missing = [each.name for each in inputs if each.name not in names]
        if missing:
            raise DataError(f"the model takes features that are not there: {', '.join(missing)}")
        self.explains = estimator.explains
        self._estimator, self._inputs = estimator, inputs
        self._weight: Any = 1 if weight is None else weight
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
        """Return the score of a row."""
        self._fill(values)
        probability, weight = self._predict(), self._weight
        if weight == 1:
            return probability  # type: ignore[no-any-return]
        return weight * probability / (weight * probability + 1 - probability)  # type: ignore[no-any-return]

    def many(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        """Return the score of each row, (rows,)."""
        if not rows:
            return np.empty(0)
        said, weight = self._estimator.predict(self._matrix(rows)), self._weight
        return said if weight == 1 else weight * said / (weight * said + 1 - said)

    def contributions(self, values: Sequence[Value]) -> Contributions:
        """Return what each feature adds to the log-odds of a row, or to the number.

        Raises:
            DataError: This kind of model cannot say exactly.
        """
        [told] = self._estimator.contributions(self._matrix([values]))
        # Where a negative counted b, the odds of the real world are b times those that the model says (balance.py).
        return self._named(values, told, math.log(self._weight))

    def _named(self, values: Sequence[Value], told: NDArray[np.float64], more: float) -> Contributions:
        named = [
            (each.name, None if value != value else value, float(part))  # noqa: PLR0124  NaN alone is not itself
            for each, value, part in zip(self._inputs, self._take(values), told[:-1], strict=True)
        ]
        named.sort(key=lambda each: -abs(each[2]))
        return Contributions(float(told[-1]) + more, named)

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


class ClassScorer(Scorer):
    """Says the probability of each class. `weight` is what a row of each class counted in training, or None."""

    def __call__(self, values: Sequence[Value]) -> NDArray[np.float64]:  # type: ignore[override]
        """Return the probabilities of a row, (classes,)."""
        self._fill(values)
        return self._restored(np.asarray(self._predict(), np.float64))

    def many(self, rows: Sequence[Sequence[Value]]) -> NDArray[np.float64]:
        """Return the probabilities of each row, (rows, classes)."""
        return self._restored(self._estimator.predict(self._matrix(rows))) if rows else np.empty((0, 0))

    def contributions(self, values: Sequence[Value]) -> Contributions:
        """Return what each feature adds to the score, before softmax, of the class that is predicted."""
        [told] = self._estimator.contributions(self._matrix([values]))
        place = int(self(values).argmax())
        return self._named(values, told[place], -math.log(self._weight[place]) if self._is_weighted else 0.0)

    def _restored(self, said: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._is_weighted:
            return said
        odds = said / np.asarray(self._weight)
        restored: NDArray[np.float64] = odds / odds.sum(axis=-1, keepdims=True)
        return restored

    @property
    def _is_weighted(self) -> bool:
        return not isinstance(self._weight, int)
