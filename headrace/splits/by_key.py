"""Rows without time: a row's side follows from its key alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.splits.hashing import hash_keys
from headrace.splits.sides import Fold, Folds, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.declaration.modelling import RowSplit

HALF = np.uint64(32)


def split_by_key(keys: NDArray[Any], split: RowSplit) -> Folds:
    """Deal rows out to a test side and to folds of which each is judged once by a fit on the others.

    The upper half of a key's hash decides on the test side, the lower half on the fold, so that a row keeps its fold
    when `test_share` moves. Nothing is stratified: a row's side must not depend on which other rows there are.
    """
    hashes = hash_keys(keys)
    test = (hashes >> HALF) / 2.0**32 < split.test_share
    dealt = np.where(test, -1, (hashes & np.uint64(0xFFFFFFFF)) % np.uint64(split.folds))
    folds = tuple(
        Fold(
            Side(f"training of fold {fold + 1}", ~test & (dealt != fold)),
            Side(f"validation of fold {fold + 1}", dealt == fold),
        )
        for fold in range(split.folds)
    )
    return Folds(
        folds, Side("training", ~test, test_share=split.test_share), Side("test", test, test_share=split.test_share)
    )
