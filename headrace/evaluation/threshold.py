"""Where to draw the line between flagged and not."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics import steps

if TYPE_CHECKING:
    from headrace.metrics.ranking import Array

DECIMALS = 18


def choose_threshold(labels: Array, scores: Array, budget: float) -> float:
    """Return the threshold with the largest recall among those that flag at most `budget` of the negatives.

    Rows of equal score are flagged together, so a group that would break the budget stays unflagged as a whole. Where
    several thresholds reach the same recall the highest is taken: it flags the fewest rows in vain. Where no
    positive can be flagged within the budget the threshold lies just above the highest score, and nothing is flagged.

    Of all numbers between the lowest flagged score and the next one below, the one with the fewest decimals is taken.

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
    below = float(thresholds[best + 1]) if best + 1 < len(thresholds) else -np.inf
    return _shortest(float(thresholds[best]), below)


def _shortest(score: float, below: float) -> float:
    """Return the number of the fewest decimals that `score` reaches and `below` does not.

    Such a number stays the same where another machine's scores differ in their last digits.
    """
    for digits in range(1, DECIMALS):
        short = float(Decimal(score).quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR))
        if below < short <= score:
            return short
    return score


def recall_at_budget(labels: Array, scores: Array, budget: float) -> float:
    """Return the largest recall of any threshold that flags at most `budget` of these very negatives."""
    true_positives, false_positives, _ = steps(labels, scores)
    within = int(np.searchsorted(false_positives / false_positives[-1], budget, side="right"))
    return float(true_positives[within - 1] / true_positives[-1]) if within else 0.0
