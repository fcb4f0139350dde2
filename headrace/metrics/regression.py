"""How far predicted numbers are from the true ones.

All metrics take labels and predictions as arrays of one length, and equal scikit-learn's.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics.scores import mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.metrics.ranking import Array
    from headrace.metrics.scores import Weighted


def _rmse(labels: Array, predicted: Array) -> Weighted:
    squares = np.square(predicted - labels)
    return lambda weights: float(np.sqrt(mean(squares, weights)))


def _mae(labels: Array, predicted: Array) -> Weighted:
    return partial(mean, np.abs(predicted - labels))


def _median_absolute_error(labels: Array, predicted: Array) -> Weighted:
    """Return the middle error; the mean of the two in the middle where rows are of an even number."""
    errors = np.sort(np.abs(predicted - labels))
    order = np.argsort(np.abs(predicted - labels), kind="stable")

    def value(weights: Array | None) -> float:
        if weights is None:
            return float(np.median(errors))
        reached = np.cumsum(weights[order])
        half = reached[-1] / 2
        below, above = np.searchsorted(reached, half, side="left"), np.searchsorted(reached, half, side="right")
        return float((errors[below] + errors[min(above, len(errors) - 1)]) / 2)

    return value


def _r2(labels: Array, predicted: Array) -> Weighted:
    """Return the share of the labels' variance that is explained; NaN where they are all alike."""
    squares = np.square(predicted - labels)

    def value(weights: Array | None) -> float:
        spread = np.square(labels - mean(labels, weights))
        around = mean(spread, weights)
        return 1 - mean(squares, weights) / around if around else float("nan")

    return value


PREPARE: Mapping[str, Callable[[Array, Array], Weighted]] = MappingProxyType(
    {"rmse": _rmse, "mae": _mae, "median_absolute_error": _median_absolute_error, "r2": _r2}
)
GREATER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"rmse": False, "mae": False, "median_absolute_error": False, "r2": True}
)
