"""How good decisions are: what a threshold makes of scores."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.metrics.ranking import Array


class Confusion(NamedTuple):
    """Rows by what they were and by what was decided."""

    tp: int
    fp: int
    fn: int
    tn: int


def confusion(labels: Array, scores: Array, threshold: float) -> Confusion:
    """Count decisions: a row is flagged where its score reaches the threshold."""
    positive, flagged = np.asarray(labels) != 0, np.asarray(scores) >= threshold
    tp = int(np.count_nonzero(positive & flagged))
    fp, fn = int(np.count_nonzero(flagged)) - tp, int(np.count_nonzero(positive)) - tp
    return Confusion(tp, fp, fn, len(positive) - tp - fp - fn)


DECISION_METRICS: Mapping[str, Callable[[Confusion], float]] = MappingProxyType(
    {
        "f1": lambda c: _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn),
        "precision": lambda c: _ratio(c.tp, c.tp + c.fp),
        "recall": lambda c: _ratio(c.tp, c.tp + c.fn),
        "accuracy": lambda c: _ratio(c.tp + c.tn, sum(c)),
        "false_positive_rate": lambda c: _ratio(c.fp, c.fp + c.tn),
    }
)
"""Metrics of decisions by name; 0 where nothing is there to count, as scikit-learn's `zero_division=0`."""


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
