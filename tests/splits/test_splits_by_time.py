"""Splits by time: the handbook's protocol, and the label's delay in every fold."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.declaration.modelling import Split, TimeSplit
from headrace.errors import ConfigError, DataError
from headrace.splits import Columns, Folds, check_split, split_rows

START = datetime(2018, 4, 1)  # noqa: DTZ001  times have no zone
COLUMNS = Columns("id", "at", "fraud")


def make_rows(days: int, per_day: int = 40, customers: int = 25, share: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """Return transactions at random times; each day has both classes, among customers of that day alone."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 86400, (days, per_day)), axis=1) + 86400 * np.arange(days)[:, None]
    labels = random.random((days, per_day)) < share
    who = random.integers(0, customers, (days, per_day))
    labels[:, 0], labels[:, 1] = True, False
    who[:, 0], who[:, 1] = customers + np.arange(days), customers + days + np.arange(days)
    return pd.DataFrame(
        {
            "id": np.arange(days * per_day),
            "at": np.datetime64(START, "us") + seconds.ravel().astype("timedelta64[s]"),
            "customer": who.ravel(),
            "fraud": labels.ravel().astype("int8"),
        }
    )


def split_table(rows: pd.DataFrame, split: TimeSplit, delay: str, days: int) -> Folds:
    """Split rows whose data end after `days`."""
    end = START + timedelta(days=days)
    return split_rows(rows, Split(time=split), delay, end, COLUMNS)


def handbook_train_test(rows: pd.DataFrame, start: int, train: int, delay: int, test: int) -> tuple[set[int], set[int]]:
    """Do what the handbook's `get_train_test_set` does, line by line, on day numbers."""
    day_of = (rows["at"] - pd.Timestamp(START)).dt.days
    train_rows = rows[(day_of >= start) & (day_of < start + train)]
    known = set(train_rows[train_rows["fraud"] == 1]["customer"])
    test_rows = []
    for day in range(test):
        of_day = rows[day_of == start + train + delay + day]
        before = rows[day_of == start + train + day - 1]
        known = known.union(set(before[before["fraud"] == 1]["customer"]))
        test_rows.append(of_day[~of_day["customer"].isin(known)])
    return set(train_rows["id"]), set(pd.concat(test_rows)["id"])


@pytest.mark.parametrize("seed", range(5))
def test_sides_are_those_of_the_handbook(seed: int) -> None:
    """Training, test and validation rows are the ones that the handbook's own loop takes."""
    rows = make_rows(45, customers=200, share=0.02, seed=seed)
    folds = split_table(
        rows, TimeSplit(test="7d", validation="7d", folds=2, train="7d", exclude_known="customer"), "7d", 45
    )
    train, test = handbook_train_test(rows, start=24, train=7, delay=7, test=7)
    assert set(rows["id"][folds.train.mask]) == train
    assert set(rows["id"][folds.test.mask]) == test
    train, validation = handbook_train_test(rows, start=10, train=7, delay=7, test=7)
    assert set(rows["id"][folds.folds[0].train.mask]) == train
    assert set(rows["id"][folds.folds[0].validation.mask]) == validation


def test_known_for_keeps_the_test_rows_of_a_shorter_training() -> None:
    """Longer training is judged on the same rows, where only the last week's known positives are left out."""
    rows = make_rows(60, customers=200, share=0.02)
    short = TimeSplit(test="7d", validation="7d", train="7d", exclude_known="customer")
    long = TimeSplit(test="7d", validation="7d", train="21d", exclude_known="customer", known_for="7d")
    first, second = split_table(rows, short, "7d", 60), split_table(rows, long, "7d", 60)
    assert second.train.mask.sum() > first.train.mask.sum()
    np.testing.assert_array_equal(first.test.mask, second.test.mask)


@settings(max_examples=40, deadline=None)
@given(
    test=st.integers(1, 6),
    validation=st.integers(1, 6),
    folds=st.integers(1, 3),
    delay=st.sampled_from([0, 12, 24, 60, 168]),
    train=st.one_of(st.none(), st.integers(1, 10)),
    exclude=st.booleans(),
    seed=st.integers(0, 3),
)
def test_nothing_is_learned_from_labels_that_are_not_known_yet(  # noqa: PLR0917
    test: int, validation: int, folds: int, delay: int, train: int | None, exclude: bool, seed: int
) -> None:
    """Every training row is a label's delay older than what it is judged on, and no row is judged twice."""
    rows = make_rows(60, seed=seed, customers=2000)
    split = TimeSplit(
        test=f"{test}d",
        validation=f"{validation}d",
        folds=folds,
        train=train and f"{train}d",
        exclude_known="customer" if exclude else None,
    )
    result = split_table(rows, split, f"{delay}h", 60)
    wait = pd.Timedelta(hours=delay)
    pairs = [(fold.train, fold.validation) for fold in result.folds] + [(result.train, result.test)]
    for fitted, judged in pairs:
        assert rows["at"][fitted.mask].max() < judged.since - wait
        assert rows["at"][judged.mask].between(judged.since, judged.until, inclusive="left").all()
        if train:
            assert rows["at"][fitted.mask].min() >= fitted.until - timedelta(days=train)
    judged_at_all = sum(judged.mask.astype(int) for _, judged in pairs)
    assert judged_at_all.max() <= 1
    assert max(fold.validation.until for fold in result.folds) == result.test.since - wait


def test_the_order_of_rows_does_not_matter() -> None:
    """A shuffled table is split into the same rows."""
    rows = make_rows(45, customers=200, share=0.02)
    split = TimeSplit(test="7d", validation="7d", folds=2, exclude_known="customer")
    shuffled = rows.sample(frac=1, random_state=1)
    first, second = split_table(rows, split, "7d", 45), split_table(shuffled, split, "7d", 45)
    for one, other in zip(first.sides, second.sides, strict=True):
        assert set(rows["id"][one.mask]) == set(shuffled["id"][other.mask])


def test_too_few_days_are_refused_with_both_numbers() -> None:
    """The message says how many days there are, how many are needed, and for what."""
    split = TimeSplit(test="7d", validation="7d", folds=2, train="28d")
    with pytest.raises(DataError, match=r"40 days of data \(2018-04-01 to 2018-05-11\).*63 days are needed"):
        split_table(make_rows(40), split, "7d", 40)


def test_a_period_with_one_class_is_refused_by_name() -> None:
    """The message names the period and counts its rows."""
    rows = make_rows(45)
    rows.loc[rows["at"] >= START + timedelta(days=38), "fraud"] = 0
    with pytest.raises(DataError, match=r"split: test \(2018-05-09 .* has 280 rows, by fraud 0 of them positive"):
        split_table(rows, TimeSplit(test="7d", validation="7d"), "7d", 45)


def test_an_unknown_entity_is_refused() -> None:
    """`exclude_known` has to name a column of the table."""
    with pytest.raises(ConfigError, match="'card' is no entity"):
        split_table(make_rows(45), TimeSplit(test="7d", validation="7d", exclude_known="card"), "7d", 45)


@pytest.mark.parametrize(
    ("split", "key", "words"),
    [
        (Split(), "time", "found neither"),
        (Split(time=TimeSplit(test="7x", validation="7d")), "time.test", "7x"),
        (Split(time=TimeSplit(test="7d", validation="0d")), "time.validation", "longer than nothing"),
        (Split(time=TimeSplit(test="7d", validation="7d", folds=0)), "time.folds", "at least 1"),
        (Split(time=TimeSplit(test="7d", validation="7d", known_for="7d")), "time.known_for", "exclude_known"),
    ],
)
def test_a_wrong_declaration_is_named(split: Split, key: str, words: str) -> None:
    """The key and what is wrong with it are said before any work."""
    ((found, message),) = check_split(split)
    assert found == key
    assert words in message
