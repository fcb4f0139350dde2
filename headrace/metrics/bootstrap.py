"""How much a metric would differ if chance had dealt other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.metrics.ranking import Array


def resample_weights(rows: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield how often each row is drawn, for each resample of `rows` rows with replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, rows, rows), minlength=rows)
