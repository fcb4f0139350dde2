"""How much a metric would differ if chance had dealt other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics.scores import weighted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.metrics.ranking import Array


def bootstrap_values(metric: str, labels: Array, scores: Array, weights: Iterable[Array]) -> Array:
    """Return the metric under each array of row weights.

    For a paired comparison give two models' scores the same weights:
    `bootstrap_values(metric, labels, scores, resample_weights(len(labels), 1000, seed))` for each.
    """
    value = weighted(metric, labels, scores)
    return np.fromiter((value(each) for each in weights), dtype=np.float64)


def resample_weights(rows: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield how often each row is drawn, for each resample of `rows` rows with replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, rows, rows), minlength=rows)
