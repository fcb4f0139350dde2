"""Splits by key: a row's side depends on nothing but its key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.declaration.modelling import RowSplit, Split
from headrace.errors import DataError
from headrace.splits import Columns, check_split, hash_keys, split_rows

COLUMNS = Columns("id", None, "churned")


def test_the_hash_never_changes() -> None:
    """These values are written down: a library's update must not deal rows out anew."""
    keys = np.array(["", "7590-VHVEG", "é", "x" * 40], dtype=object)
    expected = [17665956581633026203, 4677702421125484907, 2536656207217688990, 13915778858621554145]
    assert [int(value) for value in hash_keys(keys)] == expected


@given(st.lists(st.text(max_size=12), min_size=1, unique=True))
def test_a_key_hashes_alike_in_any_company(keys: list[str]) -> None:
    """A key's hash depends on no other key."""
    together = hash_keys(np.array(keys, dtype=object))
    alone = [hash_keys(np.array([key], dtype=object))[0] for key in keys]
    assert list(together) == alone


def test_numbers_hash_as_their_text() -> None:
    """A key that changes its type from integer to string keeps its side."""
    numbers = np.arange(-5, 1000)
    np.testing.assert_array_equal(hash_keys(numbers), hash_keys(numbers.astype(str).astype(object)))


@given(share=st.floats(0.1, 0.5), folds=st.integers(2, 6), extra=st.integers(1, 300))
def test_more_rows_move_no_row(share: float, folds: int, extra: int) -> None:
    """A row stays on its side when others are added, and each row outside the test side is validated once."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"id": np.arange(600 + extra), "churned": random.integers(0, 2, 600 + extra)})
    split = Split(rows=RowSplit(test_share=share, folds=folds))
    few = split_rows(rows[:600], split, "0s", None, COLUMNS)
    many = split_rows(rows, split, "0s", None, COLUMNS)
    for one, other in zip(few.sides, many.sides, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask[:600])
    times_judged = sum(fold.validation.mask.astype(int) for fold in many.folds) + many.test.mask
    np.testing.assert_array_equal(times_judged, 1)
    for fold in many.folds:
        np.testing.assert_array_equal(fold.train.mask, many.train.mask & ~fold.validation.mask)


def test_shares_are_as_declared() -> None:
    """Consecutive keys are dealt out evenly."""
    rows = pd.DataFrame({"id": np.arange(100_000), "churned": np.arange(100_000) % 2})
    split = Split(rows=RowSplit(test_share=0.2, folds=5))
    folds = split_rows(rows, split, "0s", None, COLUMNS)
    assert abs(folds.test.mask.mean() - 0.2) < 0.005
    for fold in folds.folds:
        assert abs(fold.validation.mask.mean() - 0.16) < 0.005


def test_one_class_is_refused() -> None:
    """Without both classes nothing can be learned or judged."""
    rows = pd.DataFrame({"id": np.arange(100), "churned": np.zeros(100, "int8")})
    with pytest.raises(DataError, match=r"training of fold 1 has .* 0 of them positive"):
        split_rows(rows, Split(rows=RowSplit()), "0s", None, COLUMNS)


@pytest.mark.parametrize(
    ("split", "key"), [(RowSplit(test_share=0), "rows.test_share"), (RowSplit(folds=1), "rows.folds")]
)
def test_a_wrong_declaration_is_named(split: RowSplit, key: str) -> None:
    """The key that is wrong is said before any work."""
    ((found, _),) = check_split(Split(rows=split))
    assert found == key
