"""Scores as the column of a table: a number for each row, or a list of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from headrace.tasks.task import Array


def as_column(scores: Array) -> Any:
    """Return scores as pandas takes them for a column."""
    return scores if scores.ndim == 1 else list(scores)


def from_column(values: Array) -> Array:
    """Return the scores of a column, as it came from pandas or Arrow."""
    return np.stack(list(values)) if values.dtype == object else values
