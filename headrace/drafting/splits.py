"""How rows are split: by time where there is one, so that every side has enough rows of every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.declaration.modelling import RowSplit
from headrace.declaration.sql import quoted
from headrace.drafting.facts import ROWS
from headrace.errors import DataError
from headrace.splits.by_key import split_by_key

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from headrace.drafting.keys import Key
    from headrace.drafting.tasks import Task
    from headrace.drafting.times import Time
    from headrace.splits import Side

BY_TIME = ((0.2, 0.15, 2), (0.25, 0.15, 2), (0.3, 0.2, 2), (0.3, 0.25, 1), (0.4, 0.25, 1))
"""Shares of the days that test and each fold get, and how many folds there are."""
BY_ROW = ((0.2, 5), (0.25, 5), (0.2, 3), (0.25, 3), (0.3, 2), (0.4, 2), (0.5, 2))
MANY_ROWS = 100_000
FEWEST_ROWS = 10
FEWEST_OF_A_CLASS = 5
BARELY = 1
"""Rows of each class in each side that the row split falls back to, where a class is rare."""
WEEK = 7
Counts = list[Any]
"""Rows by class, for each side."""


@dataclass(frozen=True)
class SplitGuess:
    """A split: either days, or shares."""

    why: str
    test: int | float
    """Days, or a share of rows."""
    folds: int
    validation: int | None = None
    """Days; None where rows are split by their keys."""


def split_by_days(connection: duckdb.DuckDBPyConnection, time: Time, label: str, task: Task) -> SplitGuess | None:
    """Return a split by time, or None where no period is long enough to judge a model on."""
    day = f"date_diff('day', DATE '{time.first}', {quoted(time.name)}::DATE)"
    found = connection.execute(
        f"SELECT {day}, {quoted(label)}, count(*) FROM {ROWS} "
        f"WHERE {quoted(label)} IS NOT NULL AND {day} BETWEEN 0 AND {time.span - 1} GROUP BY ALL"
    ).fetchall()
    places = {value: place for place, value in enumerate(task.classes)} or None
    counts = np.zeros((time.span, len(task.classes) or 1), np.int64)
    for number, value, rows in found:
        counts[number, places[value] if places else 0] += rows
    for test_share, fold_share, folds in BY_TIME:
        test, validation = _weeks(time.span * test_share), _weeks(time.span * fold_share)
        if _is_enough(counts, test, validation, folds):
            rows = int(counts[-test:].sum())
            why = f"the last {100 * rows / counts.sum():.0f} % of the rows: {rows:,}"
            return SplitGuess(why, test, folds, validation)
    return None


def _weeks(days: float) -> int:
    return round(days / WEEK) * WEEK if days >= 2 * WEEK else max(round(days), 1)


def _is_enough(counts: NDArray[np.int64], test: int, validation: int, folds: int) -> bool:
    start = len(counts) - test
    borders = [(start, len(counts))] + [(start - (n + 1) * validation, start - n * validation) for n in range(folds)]
    first = borders[-1][0]
    if first < 1:
        return False
    judged = [counts[since:until].sum(axis=0) for since, until in borders]
    least = FEWEST_OF_A_CLASS if counts.shape[1] > 1 else FEWEST_ROWS
    return _are_enough([counts[:first].sum(axis=0)], judged, least)


def _are_enough(trained: Counts, judged: Counts, least: int) -> bool:
    """Return whether all classes train, and two of them (all there are, where a label is a number) judge."""
    enough = all(side.min() >= least and side.sum() >= FEWEST_ROWS for side in trained)
    return enough and all(np.sort(side)[-2:].min() >= least and side.sum() >= FEWEST_ROWS for side in judged)


def split_by_keys(connection: duckdb.DuckDBPyConnection, key: Key, label: str, task: Task) -> SplitGuess:
    """Return a split by rows, held to the very sides that the keys will have.

    Raises:
        DataError: a class has too few rows to be on every side of any split.
    """
    keys, places = _keys_and_classes(connection, key, label, task)

    def counted(sides: list[Side]) -> Counts:
        return [np.bincount(places[side.mask], minlength=max(len(task.classes), 1)) for side in sides]

    choices = [(0.2, 3), *BY_ROW] if len(keys) >= MANY_ROWS else list(BY_ROW)
    for least in (FEWEST_OF_A_CLASS, BARELY):
        for share, folds in choices:
            folded = split_by_key(keys, RowSplit(test_share=share, folds=folds))
            fits = [fold.train for fold in folded.folds]
            judged = [folded.test, *(fold.validation for fold in folded.folds)]
            if _are_enough(counted([*fits, folded.train]), counted(judged), least):
                return SplitGuess("the others are dealt out to the folds", share, folds)
    rarest = min(task.rows, key=lambda value: task.rows[value]) if task.rows else None
    if rarest is None:
        raise DataError(f"label '{label}': only {len(keys)} rows have one; that is too few to train and to judge on")
    raise DataError(
        f"label '{label}': only {_said(task.rows[rarest])} {rarest!r}; that is too few to train and to judge on: "
        "take more rows, or join it with another value"
    )


def _said(rows: int) -> str:
    return f"{rows} row is" if rows == 1 else f"{rows} rows are"


def _keys_and_classes(
    connection: duckdb.DuckDBPyConnection, key: Key, label: str, task: Task
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    chosen = "row_number() OVER ()" if key.numbered else quoted(key.name)
    table = connection.sql(
        f"SELECT * FROM (SELECT {chosen} AS key, {quoted(label)} AS label FROM {ROWS}) WHERE label IS NOT NULL"
    ).to_arrow_table()
    keys = table["key"].to_numpy()
    if not task.classes:
        return keys, np.zeros(len(keys), np.int64)
    place = {value: number for number, value in enumerate(task.classes)}
    labels = table["label"].to_pylist()
    return keys, np.fromiter((place[value] for value in labels), np.int64, len(labels))
