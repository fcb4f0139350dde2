"""How much each feature counts, for estimators that cannot tell by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.metrics import GREATER_IS_BETTER, METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.models import FittedModel

ROWS = 10_000
"""At most this many rows are asked, as many of each class: enough for an order of features, and done in seconds."""


def permutation_importance(
    fitted: FittedModel, matrix: NDArray[np.float64], labels: NDArray[Any], metric: str, seed: int
) -> NDArray[np.float64]:
    """Return each input's share of what the metric loses where the input's values are shuffled (Breiman 2001)."""
    random, task = np.random.default_rng(seed), fitted.rows.task
    groups = [np.flatnonzero(labels == each) for each in range(len(task.classes))] or [np.arange(len(labels))]
    sample = np.concatenate([random.permutation(each)[: ROWS // len(groups)] for each in groups])
    rows, truth = matrix[sample], labels[sample]

    def measure(changed: NDArray[np.float64]) -> float:
        value = METRICS[task.name][metric](truth, fitted.predict(fitted.rows.prepare(changed)))
        return value if GREATER_IS_BETTER[metric] else -value

    whole = measure(rows)
    losses = np.zeros(rows.shape[1])
    for column in range(rows.shape[1]):
        shuffled = rows.copy()
        shuffled[:, column] = random.permutation(rows[:, column])
        losses[column] = max(whole - measure(shuffled), 0.0)
    return losses / losses.sum() if losses.any() else losses
