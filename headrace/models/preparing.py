"""An estimator and the encoder before it, asked with inputs as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models.encoding import trace_columns
from headrace.models.families import Estimator
from headrace.models.families.scikit_learn import Linear, Logistic
from headrace.models.inputs import CATEGORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.models.inputs import Input


LOWEST = -700.0
"""Below, exp(-odds) would be more than a double holds."""


class Prepared(Estimator):
    """An estimator that was fitted on encoded numbers.

    Args:
        encoder: What `make_encoder` returned, fitted.
        estimator: What follows it.
        inputs: What goes in.
    """

    def __init__(self, encoder: Any, estimator: Estimator, inputs: Sequence[Input]) -> None:
        self.explains = estimator.explains
        self._encoder, self._estimator, self._inputs = encoder, estimator, inputs
        self._additive = isinstance(estimator, Linear | Logistic)
        self._is_probability = isinstance(estimator, Logistic)

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the estimator's scores."""
        return self._estimator.predict(self._encoder.transform(matrix))

    def of_row(self, row: NDArray[np.float64]) -> Callable[[], float]:
        """Return what predicts a row; where log-odds or a number are a sum over inputs, it needs no encoder.

        Such a score differs from `predict` by rounding alone, some 1e-15.
        """
        if not self._additive:
            return super().of_row(row)
        total = SumOverInputs(self, self._inputs, row)
        return Probability(total) if self._is_probability else total

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each input adds, that of all columns that were made of it, (rows, [classes,] inputs + 1)."""
        of_columns = self._estimator.contributions(self._encoder.transform(matrix))
        folded = np.zeros((*of_columns.shape[:-1], len(self._inputs) + 1))
        for column, origin in enumerate([*trace_columns(self._encoder, self._inputs), len(self._inputs)]):
            folded[..., origin] += of_columns[..., column]
        return folded


class SumOverInputs:
    """The sum over a row's inputs.

    A number adds a constant and a multiple of itself, or another constant where it is missing; a category adds a
    constant. Rows of zeros, of ones, of missing values and of each category tell them.
    """

    def __init__(self, prepared: Prepared, inputs: Sequence[Input], row: NDArray[np.float64]) -> None:
        categories = max((len(each.categories or ()) for each in inputs), default=0)
        asked = np.array([np.nan, *range(max(categories, 2))])
        told = prepared.contributions(np.repeat(asked[:, None], len(inputs), axis=1))
        self._row, self._base = row[0], float(told[0, -1])
        missing, zero, one = told[0, :-1], told[1, :-1], told[2, :-1]
        self._numbers = np.array([place for place, each in enumerate(inputs) if each.type != CATEGORY], dtype=np.intp)
        self._missing, self._zero = missing[self._numbers], zero[self._numbers]
        self._slope = (one - zero)[self._numbers]
        self._categories = [
            (place, [*told[1 : 1 + len(each.categories or ()), place].tolist(), float(missing[place])])
            for place, each in enumerate(inputs)
            if each.type == CATEGORY
        ]

    def __call__(self) -> float:
        """Return the sum for what the row holds now."""
        numbers = self._row[self._numbers]
        terms = np.where(np.isnan(numbers), self._missing, self._zero + self._slope * numbers)
        total = self._base + float(terms.sum())
        for place, of_category in self._categories:
            code = self._row[place]
            total += of_category[-1 if code != code else int(code)]  # noqa: PLR0124  NaN alone is not itself
        return total


class Probability:
    """The probability whose log-odds are a sum."""

    def __init__(self, total: SumOverInputs) -> None:
        self._total = total

    def __call__(self) -> float:
        """Return the probability of the positive class for what the row holds now."""
        odds = self._total()
        return 1.0 / (1.0 + math.exp(-odds)) if odds > LOWEST else math.exp(odds)
