"""Where to draw the line between flagged and not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics import steps

if TYPE_CHECKING:
    from headrace.metrics.ranking import Array


def choose_threshold(labels: Array, scores: Array, budget: float) -> float:
    """Return the threshold with the largest recall among those that flag at most `budget` of the negatives.

    Rows of equal score are flagged together, so a group that would break the budget stays unflagged as a whole. Where
    several thresholds reach the same recall the highest is taken: it flags the fewest rows in vain. Where no
    positive can be flagged within the budget the threshold lies just above the highest score, and nothing is flagged.

    Args:
        labels: 0 or 1 for each row, (rows,).
        scores: A score for each row, (rows,).
        budget: The largest false positive rate, such as 0.005.
    """
    true_positives, false_positives, thresholds = steps(labels, scores)
    within = int(np.searchsorted(false_positives / false_positives[-1], budget, side="right"))
    if not within or not true_positives[within - 1]:
        return float(np.nextafter(thresholds[0], np.inf))
    best = int(np.searchsorted(true_positives[:within], true_positives[within - 1]))
    return float(thresholds[best])


def recall_at_budget(labels: Array, scores: Array, budget: float) -> float:
    """Return the largest recall of any threshold that flags at most `budget` of these very negatives."""
    true_positives, false_positives, _ = steps(labels, scores)
    within = int(np.searchsorted(false_positives / false_positives[-1], budget, side="right"))
    return float(true_positives[within - 1] / true_positives[-1]) if within else 0.0
