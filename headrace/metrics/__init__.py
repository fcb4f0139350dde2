"""How good scores and decisions are, in numbers; a room of its own, so that a new slice retrains no model."""

from headrace.metrics.bootstrap import resample_weights
from headrace.metrics.choosing import GREATER_IS_BETTER, METRICS, weighted
from headrace.metrics.decisions import DECISION_METRICS, Confusion, confusion
from headrace.metrics.multiclass import confusion_matrix
from headrace.metrics.ranking import steps

__all__ = [
    "DECISION_METRICS",
    "GREATER_IS_BETTER",
    "METRICS",
    "Confusion",
    "confusion",
    "confusion_matrix",
    "resample_weights",
    "steps",
    "weighted",
]
