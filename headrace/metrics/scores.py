"""How good scores are.

All metrics take labels (0 or 1) and scores (the probability of 1) as arrays of one length, and equal scikit-learn's.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from headrace.errors import ConfigError, DataError
from headrace.metrics.ranking import Array, Ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Weighted = Callable[[Array | None], float]

SMALLEST = float(np.finfo(np.float64).eps)


def weighted(metric: str, labels: Array, scores: Array) -> Weighted:
    """Return a function from row weights (None: all weigh the same) to the metric; rows are sorted just once here.

    It gives NaN where the weights leave a class without rows and the metric needs both.

    Raises:
        ConfigError: there is no such metric.
        DataError: labels and scores differ in length, or a score is no number.
    """
    if metric not in _PREPARE:
        raise ConfigError(f"evaluation.metric: {metric!r} is no metric; choose one of {', '.join(_PREPARE)}")
    return _PREPARE[metric](np.asarray(labels), np.asarray(scores, dtype=np.float64))


def _average_precision(labels: Array, scores: Array) -> Weighted:
    ranking = Ranking(labels, scores)

    def value(weights: Array | None) -> float:
        in_step, _, reached, positives, _ = ranking.count(weights)
        if not positives:
            return float("nan")
        precision = np.divide(np.cumsum(in_step), reached, out=np.zeros_like(reached), where=reached > 0)
        return float(np.sum(in_step * precision) / positives)

    return value


def _roc_auc(labels: Array, scores: Array) -> Weighted:
    ranking = Ranking(labels, scores)

    def value(weights: Array | None) -> float:
        in_step, before, reached, positives, negatives = ranking.count(weights)
        if not positives or not negatives:
            return float("nan")
        true_positives = np.cumsum(in_step)
        # Negatives ahead of a positive cost it one, negatives that tie with it a half.
        ahead = (before - (true_positives - in_step)) + (reached - true_positives)
        return float(1 - np.sum(in_step * ahead) / 2 / positives / negatives)

    return value


def _log_loss(labels: Array, scores: Array) -> Weighted:
    clipped = np.clip(scores, SMALLEST, 1 - SMALLEST)
    return partial(_mean, -np.log(np.where(labels != 0, clipped, 1 - clipped)))


def _brier(labels: Array, scores: Array) -> Weighted:
    return partial(_mean, np.square(scores - (labels != 0)))


def _mean(values: Array, weights: Array | None) -> float:
    # Not values @ weights: BLAS adds up by threads, whose number then shows in the last digits.
    return float(values.mean() if weights is None else np.sum(values * weights) / weights.sum())


_PREPARE: Mapping[str, Callable[[Array, Array], Weighted]] = MappingProxyType(
    {"average_precision": _average_precision, "roc_auc": _roc_auc, "log_loss": _log_loss, "brier": _brier}
)


def _whole(metric: str, labels: Array, scores: Array) -> float:
    value = weighted(metric, labels, scores)(None)
    if np.isnan(value):
        found = f"{len(labels)} rows, {int(np.count_nonzero(labels))} of them positive"
        raise DataError(f"{metric} needs rows of both classes; found {found}")
    return value


METRICS: Mapping[str, Callable[[Array, Array], float]] = MappingProxyType(
    {name: partial(_whole, name) for name in _PREPARE}
)
"""Metrics of scores by name: `METRICS["roc_auc"](labels, scores)`. They raise DataError where a class has no rows."""

GREATER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"average_precision": True, "roc_auc": True, "log_loss": False, "brier": False}
)
