"""Rows with time: what trains ends one label delay before what it is judged on.

train .......|      delay     | validation 2 | validation 1 |
       train ......|  delay   .      ...     |      =       |      delay     |     test     | end
                                                           final training ends where validation 1 does
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from headrace.declaration.durations import microseconds
from headrace.errors import DataError
from headrace.splits.sides import Fold, Folds, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.declaration.modelling import TimeSplit


@dataclass(frozen=True)
class Clock:
    """The lengths of a declared time split, as spans of time."""

    end: datetime
    test: timedelta
    validation: timedelta
    folds: int
    delay: timedelta
    train: timedelta | None
    known_for: timedelta | None

    @classmethod
    def of(cls, split: TimeSplit, delay: str, end: datetime) -> Clock:
        """Read a declaration."""
        train = _length(split.train) if split.train else None
        known_for = _length(split.known_for) if split.known_for else None
        return cls(end, _length(split.test), _length(split.validation), split.folds, _length(delay), train, known_for)

    @property
    def needed(self) -> timedelta:
        """The shortest data that the split fits in."""
        return (self.train or timedelta(days=1)) + self.folds * self.validation + 2 * self.delay + self.test

    def __str__(self) -> str:
        """Name the parts of `needed`."""
        train = f"{self.train} of training" if self.train else "at least a day of training"
        return (
            f"{train}, {self.folds} x {self.validation} of validation, 2 x {self.delay} of delay, {self.test} of test"
        )


def split_by_time(
    times: NDArray[np.datetime64], labels: NDArray[np.int8], entities: NDArray[np.int64] | None, clock: Clock
) -> Folds:
    """Split rows by when they happened.

    The protocol is the prequential one of the handbook "Reproducible Machine Learning for Credit Card Fraud Detection",
    chapter 5: labels are known `delay` after their row, when testing starts as when each validation starts.

    Args:
        times: When each row happened, (rows,).
        labels: 1 for positive, (rows,).
        entities: A number for each row's entity, (rows,), to leave entities out that are known to be positive.
        clock: The declared lengths.

    Raises:
        DataError: The rows span less time than the declared lengths.
    """
    first = _first_day(times, clock)
    rows = _Rows(times, labels, entities, clock, first)
    test_start = clock.end - clock.test
    known = test_start - clock.delay
    folds = []
    for number in range(clock.folds):
        until = known - number * clock.validation
        since = until - clock.validation
        train = rows.training(f"training of fold {number + 1}", since - clock.delay)
        folds.append(Fold(train, rows.judged(f"validation of fold {number + 1}", since, until, train)))
    train = rows.training("training", known)
    return Folds(tuple(folds), train, rows.judged("test", test_start, clock.end, train))


@dataclass(frozen=True)
class _Rows:
    times: NDArray[np.datetime64]
    labels: NDArray[np.int8]
    entities: NDArray[np.int64] | None
    clock: Clock
    first: datetime

    def training(self, name: str, until: datetime) -> Side:
        since = until - self.clock.train if self.clock.train else self.first
        return Side(name, self._between(since, until), since, until)

    def judged(self, name: str, since: datetime, until: datetime, train: Side) -> Side:
        """Return rows of a period, but those of entities whose positive label is known by their day."""
        mask = self._between(since, until)
        if self.entities is not None and train.since and train.until:
            remembered = train.until - self.clock.known_for if self.clock.known_for else train.since
            mask &= ~_known(self.times, self.labels, self.entities, remembered, self.clock.delay)
        return Side(name, mask, since, until)

    def _between(self, since: datetime, until: datetime) -> NDArray[np.bool_]:
        return (self.times >= np.datetime64(since, "us")) & (self.times < np.datetime64(until, "us"))


def _known(
    times: NDArray[np.datetime64],
    labels: NDArray[np.int8],
    entities: NDArray[np.int64],
    since: datetime,
    delay: timedelta,
) -> NDArray[np.bool_]:
    """Tell for each row whether its entity had a positive in [since, start of the row's day - delay)."""
    positive = (labels == 1) & (times >= np.datetime64(since, "us"))
    never = np.datetime64("9999-01-01", "us")
    first_positive = np.full(int(entities.max(initial=-1)) + 2, never)
    np.minimum.at(first_positive, entities[positive], times[positive])
    first_positive[-1] = never  # where a missing entity (-1) ends up: it is nobody in particular
    days = times.astype("datetime64[D]").astype("datetime64[us]")
    latest: NDArray[np.datetime64] = np.subtract(days, np.timedelta64(delay))
    known: NDArray[np.bool_] = first_positive[entities] < latest
    return known


def _first_day(times: NDArray[np.datetime64], clock: Clock) -> datetime:
    before = times[times < np.datetime64(clock.end, "us")]
    if not len(before):
        raise DataError(f"split.time: there are no rows before {clock.end:%Y-%m-%d}")
    first: datetime = before.min().astype("datetime64[D]").astype("datetime64[us]").item()
    if clock.end - first < clock.needed:
        raise DataError(
            f"split.time: {_days(clock.end - first)} of data ({first:%Y-%m-%d} to {clock.end:%Y-%m-%d}) are too few: "
            f"{_days(clock.needed)} are needed ({clock}); move `until` on or shorten the split"
        )
    return first


def _length(text: str) -> timedelta:
    return timedelta(microseconds=microseconds(text))


def _days(length: timedelta) -> str:
    return f"{length / timedelta(days=1):g} days"
