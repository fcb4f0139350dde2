"""Precision of what people could look at: the entities with the highest scores of each period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.metrics.ranking import Array


def precision_at(labels: Array, scores: Array, entities: Array, periods: Array, count: int) -> float:
    """Return the mean over periods of the share of positive entities among the `count` with the highest scores.

    An entity's score in a period is its highest, and it is positive where one of its rows is. An entity that was found
    (among the highest, and positive) is dealt with, so it is left out of later periods. This is the card precision
    top-k of Le Borgne et al., "Reproducible Machine Learning for Credit Card Fraud Detection", section 4.4; equal
    scores go by entity, which there is left to the sort.

    Args:
        labels: 0 or 1 for each row, (rows,).
        scores: A score for each row, (rows,).
        entities: Whose row it is, (rows,).
        periods: When it happened, as numbers or days that can be ordered, (rows,).
        count: How many entities are looked at in a period; fewer entities than that lower the precision.
    """
    codes = np.unique(entities, return_inverse=True)[1]
    return float(np.mean(list(_each_period(np.asarray(labels) != 0, scores, codes, periods, count))))


def period_numbers(times: Array, length: int) -> Array:
    """Return the number of the period that each moment falls in, counted from midnight before the first one.

    Args:
        times: Moments as datetime64, (rows,).
        length: A period's length in microseconds.
    """
    moments = times.astype("datetime64[us]")
    start = moments.min().astype("datetime64[D]").astype("datetime64[us]")
    numbers: Array = (moments - start).astype(np.int64) // length
    return numbers


def _each_period(positive: Array, scores: Array, codes: Array, periods: Array, count: int) -> Iterator[float]:
    found = np.zeros(codes.max(initial=-1) + 1, dtype=bool)
    for period in np.unique(periods):
        rows = np.flatnonzero((periods == period) & ~found[codes])
        highest = np.full(len(found), -np.inf)
        np.maximum.at(highest, codes[rows], scores[rows])
        has_positive = np.zeros(len(found), dtype=bool)
        has_positive[codes[rows[positive[rows]]]] = True
        top = np.argsort(-highest, kind="stable")[:count]
        hits = top[has_positive[top]]
        found[hits] = True
        yield len(hits) / count
