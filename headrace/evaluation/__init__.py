"""How candidates are judged: metrics, the threshold, slices, calibration and costs."""

from headrace.evaluation.metrics import (
    DECISION_METRICS,
    GREATER_IS_BETTER,
    METRICS,
    Confusion,
    bootstrap_values,
    confusion,
    resample_weights,
    weighted,
)

__all__ = [
    "DECISION_METRICS",
    "GREATER_IS_BETTER",
    "METRICS",
    "Confusion",
    "bootstrap_values",
    "confusion",
    "resample_weights",
    "weighted",
]
