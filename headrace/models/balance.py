"""Means against rare positives, and the way back to true probabilities.

Dropping negatives, or giving positives more weight, makes a model see positives more often than they are. Its odds are
then too high by a known factor, so that dividing by it gives probabilities of the real world again:
p = b q / (b q + 1 - q), where q is what the model says and b is what a negative counted in training for each positive
(Dal Pozzolo, Caelen, Johnson and Bontempi: Calibrating Probability with Undersampling for Unbalanced Classification,
2015, formula 4). The order of the scores stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.declaration.modelling import Model

WEIGHTS = "weights"
BALANCES = ("none", WEIGHTS)


def choose_rows(labels: NDArray[np.int8], ratio: float | None, seed: int) -> NDArray[np.int64]:
    """Return positions, in order, of all positives and of at most `ratio` times as many negatives drawn by `seed`."""
    negatives = np.flatnonzero(labels != 1)
    kept = len(negatives) if ratio is None else int(ratio * (len(labels) - len(negatives)))
    if kept >= len(negatives):
        return np.arange(len(labels))
    drawn = np.random.default_rng(seed).choice(negatives, kept, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(labels == 1), drawn]))


def row_weights(labels: NDArray[np.int8], balance: str) -> NDArray[np.float64] | None:
    """Return weights by which both classes weigh the same and rows weigh 1 on average; None where all weigh 1."""
    if balance != WEIGHTS:
        return None
    positives = int((labels == 1).sum())
    weights: NDArray[np.float64] = len(labels) / 2 / np.where(labels == 1, positives, len(labels) - positives)
    return weights


def negative_weight(labels: NDArray[np.int8], chosen: NDArray[np.int64], model: Model) -> float:
    """Return what a negative counted in training for each positive: 1 where nothing was balanced."""
    negatives, left = int((labels != 1).sum()), int((labels[chosen] != 1).sum())
    weight = left / negatives
    return weight * (len(chosen) - left) / left if model.balance == WEIGHTS else weight


def restore(probabilities: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Return the probabilities of the real world, given what a negative counted in training."""
    if weight == 1:
        return probabilities
    return weight * probabilities / (weight * probabilities + 1 - probabilities)
