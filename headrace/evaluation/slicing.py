"""Rows apart by the values of a column: a good mean can hide a bad part."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.metrics.ranking import Array

MOST_NUMBERS = 8
"""A number with more distinct values than this is shown by quarters of its rows."""
MOST_TEXTS = 12
MISSING, OTHER = "missing", "all others"


def bucket(values: pa.ChunkedArray) -> tuple[Array, list[str]]:
    """Return the number of each row's bucket, and the buckets' names in their natural order."""
    column = values.to_pandas()
    missing = column.isna().to_numpy()
    codes, names = _bucket_texts(column) if column.dtype == object else _bucket_numbers(column.astype(float))
    codes = np.where(missing, len(names), codes)
    return codes, [*names, MISSING]


def _bucket_texts(column: pd.Series[Any]) -> tuple[Array, list[str]]:
    column = column.astype(str)
    common = sorted(column.value_counts().index[:MOST_TEXTS])
    codes = pd.Categorical(column, categories=common).codes.astype(int)
    return np.where(codes < 0, len(common), codes), [*common, OTHER]


def _bucket_numbers(column: pd.Series[float]) -> tuple[Array, list[str]]:
    present = column.dropna().to_numpy()
    distinct = np.unique(present)
    if len(distinct) <= MOST_NUMBERS:
        return np.searchsorted(distinct, column), [f"{value:g}" for value in distinct]
    edges = np.unique(np.quantile(present, [0.25, 0.5, 0.75], method="inverted_cdf"))
    between = [f"over {low:g} to {high:g}" for low, high in pairwise(edges)]
    return np.searchsorted(edges, column), [f"up to {edges[0]:g}", *between, f"over {edges[-1]:g}"]
