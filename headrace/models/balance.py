"""Means against rare positives, and the way back to true probabilities.

Dropping negatives, or giving positives more weight, makes a model see positives more often than they are. Its odds are
then too high by a known factor, so that dividing by it gives probabilities of the real world again:
p = b q / (b q + 1 - q), where q is what the model says and b is what a negative counted in training for each positive
(Dal Pozzolo, Caelen, Johnson and Bontempi: Calibrating Probability with Undersampling for Unbalanced Classification,
2015, formula 4). The order of the scores stays as it is. Of more than two classes each probability is divided by what a
row of the class counted, and all of them by their sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from headrace.declaration.modelling import Model

WEIGHTS = "weights"
BALANCES = ("none", WEIGHTS)
NEGATIVE_WEIGHT, CLASS_WEIGHTS = "negative_weight", "class_weights"
"""What a manifest calls them."""


def choose_rows(labels: NDArray[np.int8], ratio: float | None, seed: int) -> NDArray[np.int64]:
    """Return positions, in order, of all positives and of at most `ratio` times as many negatives drawn by `seed`."""
    negatives = np.flatnonzero(labels != 1)
    kept = len(negatives) if ratio is None else int(ratio * (len(labels) - len(negatives)))
    if kept >= len(negatives):
        return np.arange(len(labels))
    drawn = np.random.default_rng(seed).choice(negatives, kept, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(labels == 1), drawn]))


def row_weights(labels: NDArray[Any], balance: str, classes: int) -> NDArray[np.float64] | None:
    """Return weights by which all classes weigh the same and rows weigh 1 on average; None where all weigh 1."""
    if balance != WEIGHTS:
        return None
    rows = np.bincount(labels, minlength=classes)
    weights: NDArray[np.float64] = len(labels) / classes / rows[labels]
    return weights


def negative_weight(labels: NDArray[np.int8], chosen: NDArray[np.int64], model: Model) -> float:
    """Return what a negative counted in training for each positive: 1 where nothing was balanced."""
    negatives, left = int((labels != 1).sum()), int((labels[chosen] != 1).sum())
    weight = left / negatives
    return weight * (len(chosen) - left) / left if model.balance == WEIGHTS else weight


def class_weights(labels: NDArray[Any], model: Model, classes: int) -> list[float] | None:
    """Return what a row of each class counted in training; None where all counted the same."""
    if model.balance != WEIGHTS:
        return None
    rows = np.bincount(labels, minlength=classes)
    weights: list[float] = (len(labels) / classes / rows).tolist()
    return weights


def counted_in(manifest: Mapping[str, Any]) -> Any:
    """Return what rows counted in training, from a model's manifest: a negative, or a row of each class."""
    return manifest.get(NEGATIVE_WEIGHT, manifest.get(CLASS_WEIGHTS))
