"""How good the scores of one of two classes are.

All metrics take labels (0 or 1) and scores (the probability of 1) as arrays of one length, and equal scikit-learn's.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics.ranking import Array, Ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Weighted = Callable[[Array | None], float]

SMALLEST = float(np.finfo(np.float64).eps)


def _average_precision(labels: Array, scores: Array) -> Weighted:
    ranking = Ranking(labels, scores)

    def value(weights: Array | None) -> float:
        in_step, _, reached, positives, _ = ranking.count(weights)
        if not positives:
            return float("nan")
        precision = np.divide(np.cumsum(in_step), reached, out=np.zeros_like(reached), where=reached > 0)
        return float(np.sum(in_step * precision) / positives)

    return value


def roc_auc(labels: Array, scores: Array) -> Weighted:
    """Return how often a positive row scores above a negative one; NaN where a class has no rows."""
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
    return partial(mean, -np.log(np.where(labels != 0, clipped, 1 - clipped)))


def _brier(labels: Array, scores: Array) -> Weighted:
    return partial(mean, np.square(scores - (labels != 0)))


def mean(values: Array, weights: Array | None) -> float:
    """Return a weighted mean."""
    # Not values @ weights: BLAS adds up by threads, whose number then shows in the last digits.
    return float(values.mean() if weights is None else np.sum(values * weights) / weights.sum())


PREPARE: Mapping[str, Callable[[Array, Array], Weighted]] = MappingProxyType(
    {"average_precision": _average_precision, "roc_auc": roc_auc, "log_loss": _log_loss, "brier": _brier}
)
GREATER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"average_precision": True, "roc_auc": True, "log_loss": False, "brier": False}
)
