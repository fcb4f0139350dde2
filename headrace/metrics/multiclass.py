"""How good the probabilities of three or more classes are.

All metrics take labels (the place of the class, (rows,)) and scores (the probability of each class, (rows, classes)),
and equal scikit-learn's. The class with the highest probability is the predicted one, the first where several are.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics.scores import SMALLEST, mean, roc_auc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.metrics.ranking import Array
    from headrace.metrics.scores import Weighted


def confusion_matrix(labels: Array, predicted: Array, classes: int, weights: Array | None = None) -> Array:
    """Return how many rows of each class (down) were taken for each class (across), (classes, classes)."""
    cells = np.bincount(labels.astype(np.int64) * classes + predicted, weights, minlength=classes * classes)
    return cells.reshape(classes, classes)


def _log_loss(labels: Array, scores: Array) -> Weighted:
    of_label = scores[np.arange(len(labels)), labels]
    return partial(mean, -np.log(np.clip(of_label, SMALLEST, 1 - SMALLEST)))


def _accuracy(labels: Array, scores: Array) -> Weighted:
    return partial(mean, (scores.argmax(axis=1) == labels).astype(np.float64))


def _balanced_accuracy(labels: Array, scores: Array) -> Weighted:
    """Return the mean recall of the classes that have rows."""

    def value(cells: Array) -> float:
        of_class = cells.sum(axis=1)
        present = of_class > 0
        return float((cells.diagonal()[present] / of_class[present]).mean()) if present.any() else float("nan")

    return _of_matrix(labels, scores, value)


def _f1_macro(labels: Array, scores: Array) -> Weighted:
    """Return the mean F1 of the classes that rows have or are taken for."""
    predicted = scores.argmax(axis=1)
    seen = np.union1d(labels, predicted)

    def value(cells: Array) -> float:
        hits, counted = cells.diagonal()[seen], (cells.sum(axis=0) + cells.sum(axis=1))[seen]
        return float(np.divide(2 * hits, counted, out=np.zeros(len(seen)), where=counted > 0).mean())

    return _of_matrix(labels, scores, value)


def _of_matrix(labels: Array, scores: Array, value: Callable[[Array], float]) -> Weighted:
    predicted, classes = scores.argmax(axis=1), scores.shape[1]
    return lambda weights: value(confusion_matrix(labels, predicted, classes, weights))


def _roc_auc_ovr(labels: Array, scores: Array) -> Weighted:
    """Return the mean over the classes that have rows of how well a class is told from all others."""
    present = np.unique(labels)
    ranked = [roc_auc((labels == each).astype(np.int8), scores[:, each]) for each in present]
    return lambda weights: float(np.mean([of_class(weights) for of_class in ranked]))


PREPARE: Mapping[str, Callable[[Array, Array], Weighted]] = MappingProxyType(
    {
        "log_loss": _log_loss,
        "accuracy": _accuracy,
        "balanced_accuracy": _balanced_accuracy,
        "f1_macro": _f1_macro,
        "roc_auc_ovr": _roc_auc_ovr,
    }
)
GREATER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"log_loss": False, "accuracy": True, "balanced_accuracy": True, "f1_macro": True, "roc_auc_ovr": True}
)
