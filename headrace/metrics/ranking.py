"""Rows in falling order of their scores, sorted once and weighed as often as one likes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from headrace.errors import DataError

Array = npt.NDArray[Any]


class Steps(NamedTuple):
    """Counts after each distinct score, from the highest score down."""

    true_positives: Array
    false_positives: Array
    thresholds: Array
    """The score of each step; rows that reach it are counted."""


def steps(labels: Array, scores: Array) -> Steps:
    """Return how many positives and negatives reach each distinct score: rows of one score come together.

    Raises:
        DataError: labels and scores differ in length, or a score is no number.
    """
    order, ends = _sort(labels, scores)
    positives = np.cumsum(labels[order] != 0)[ends]
    return Steps(positives, ends + 1 - positives, scores[order[ends]])


class Ranking:
    """Rows in falling order of their scores, for metrics that look at the order alone.

    Only the steps (rows of one score) that hold a positive add to such a metric, so a resample costs one cumulative
    sum over all rows and little else.

    Args:
        labels: 0 or 1 for each row.
        scores: A score for each row.

    Raises:
        DataError: labels and scores differ in length, or a score is no number.
    """

    def __init__(self, labels: Array, scores: Array) -> None:
        order, ends = _sort(labels, scores)
        self.order = order
        self.positives = np.flatnonzero(labels[order])
        step_of_positive = np.searchsorted(ends, self.positives)
        # The first positive of each step that has one: np.add.reduceat sums from there to the next.
        held, self.firsts = np.unique(step_of_positive, return_index=True)
        self.ends = ends[held]
        self.starts = np.where(held > 0, ends[held - 1] + 1, 0)

    def count(self, weights: Array | None) -> tuple[Array, Array, Array, float, float]:
        """Count the rows by their weights, at the steps that hold a positive.

        Returns:
            Positives in each step, all rows before each step, all rows at the end of each step, and the sums of the
            positives and of the negatives.
        """
        if not len(self.positives):
            rows = float(len(self.order) if weights is None else weights.sum())
            return np.zeros(0), np.zeros(0), np.zeros(0), 0.0, rows
        if weights is None:
            in_step = np.diff(np.append(self.firsts, len(self.positives))).astype(np.float64)
            before, after, rows = self.starts.astype(np.float64), self.ends + 1.0, float(len(self.order))
        else:
            sorted_weights = weights[self.order]
            sums = np.concatenate(([0.0], np.cumsum(sorted_weights, dtype=np.float64)))
            in_step = np.add.reduceat(sorted_weights[self.positives], self.firsts, dtype=np.float64)
            before, after, rows = sums[self.starts], sums[self.ends + 1], float(sums[-1])
        positives = float(in_step.sum())
        return in_step, before, after, positives, rows - positives


def _sort(labels: Array, scores: Array) -> tuple[Array, Array]:
    """Return rows' positions in falling order of score, and the position in that order where each score ends."""
    if labels.shape != scores.shape or labels.ndim != 1:
        raise DataError(
            f"labels have the shape {labels.shape}, scores {scores.shape}; there has to be one score a label"
        )
    if not np.isfinite(scores).all():
        raise DataError(f"scores: {int((~np.isfinite(scores)).sum())} of {len(scores)} are no finite numbers")
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return order, ends
