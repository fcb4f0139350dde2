"""Columns that give the label away: each one alone is asked to tell the label, on rows that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.declaration.sql import quoted
from headrace.drafting.facts import AT_ONCE, ROWS
from headrace.drafting.gathering import one_row
from headrace.drafting.tasks import BINARY, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from numpy.typing import NDArray

    from headrace.drafting.guesses import Guess
    from headrace.drafting.tasks import Task

SAMPLED_VALUES = 1_000_000
FEWEST_ROWS, MOST_ROWS = 2_000, 20_000
ENOUGH_ROWS = 100
"""With fewer a column tells the label by chance."""
BINS = 64
CERTAIN = {"binary": 0.9995, "multiclass": 0.9995, "regression": 0.9995}
SUSPICIOUS = {"binary": 0.985, "multiclass": 0.985, "regression": 0.98}
MEASURE = {"binary": "ROC AUC", "multiclass": "accuracy", "regression": "R²"}
TIMES_MORE = 20
"""How much more often a column is filled where the label is known, to be called filled with it."""


@dataclass(frozen=True)
class Leak:
    """A column that tells the label."""

    column: str
    says: str
    certain: bool
    """Whether it is left out."""


def find_leaks(connection: duckdb.DuckDBPyConnection, guesses: list[Guess], label: str, task: Task) -> list[Leak]:
    """Return the columns that tell the label nearly alone.

    Args:
        connection: Its table `rows` has the typed rows.
        guesses: The columns that may become features.
        label: The label's column.
        task: What is predicted.
    """
    if not guesses:
        return []
    filled = _filled_with_label(connection, guesses, label)
    left = [guess for guess in guesses if guess.name not in {leak.column for leak in filled}]
    rows = min(max(SAMPLED_VALUES // len(guesses), FEWEST_ROWS), MOST_ROWS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sampled AS FROM (FROM {ROWS} WHERE {quoted(label)} IS NOT NULL) "
        f"USING SAMPLE reservoir({rows} ROWS) REPEATABLE (0)"
    )
    labels = _labels(connection, label, task)
    found = filled
    if len(labels) >= ENOUGH_ROWS:
        half = np.random.default_rng(0).random(len(labels)) < 0.5
        for guess, codes, numbers in _columns(connection, left):
            score = _score(codes, numbers, labels, half, task)
            if score >= SUSPICIOUS[task.kind]:
                found.append(_leak(guess.name, score, task))
    connection.execute("DROP TABLE sampled")
    return found


def _leak(name: str, score: float, task: Task) -> Leak:
    certain = score >= CERTAIN[task.kind]
    said = f"tells the label alone ({MEASURE[task.kind]} {score:.4g} on rows apart)"
    return Leak(name, said + (": is it known when the label is asked for?" if not certain else ""), certain)


def _filled_with_label(connection: duckdb.DuckDBPyConnection, guesses: list[Guess], label: str) -> list[Leak]:
    """Return columns that have values only where the label is known: whoever asks for a label has none of them."""
    known = quoted(label)
    leaks = []
    gappy = [guess for guess in guesses if guess.missing]
    for first in range(0, len(gappy), AT_ONCE):
        some = gappy[first : first + AT_ONCE]
        counted = ", ".join(f"count({quoted(guess.name)}) FILTER (WHERE {known} IS NULL)" for guess in some)
        found = one_row(
            connection,
            f"SELECT count(*) - count({known}), count({known}), {counted} FROM {ROWS}",
        )
        unknown, labelled, *filled = found
        for guess, without in zip(some, filled, strict=True):
            share_without = without / unknown if unknown else 1
            share_with = (guess.present - without) / max(labelled, 1)
            if unknown >= ENOUGH_ROWS and share_with > max(TIMES_MORE * share_without, 0.2):
                shares = (
                    f"{100 * share_with:.3g} % of the rows with a label and {100 * share_without:.3g} % of the others"
                )
                says = f"is filled in {shares}: who asks for a label has none of it"
                leaks.append(Leak(guess.name, says, certain=True))
    return leaks


def _labels(connection: duckdb.DuckDBPyConnection, label: str, task: Task) -> NDArray[np.float64]:
    values = connection.execute(f"SELECT {quoted(label)} FROM sampled").fetchnumpy()[label]
    if task.kind == REGRESSION:
        return np.asarray(np.ma.getdata(values), np.float64)
    place = {value: number for number, value in enumerate(task.classes)}
    if task.kind == BINARY:
        return np.array([value == task.positive for value in values.tolist()], np.float64)
    return np.array([place[value] for value in values.tolist()], np.float64)


def _columns(
    connection: duckdb.DuckDBPyConnection, guesses: list[Guess]
) -> Iterator[tuple[Guess, NDArray[np.int64], NDArray[np.float64] | None]]:
    """Yield each column as few codes, the last of which is for a missing value; a number also as it is."""
    for first in range(0, len(guesses), AT_ONCE):
        some = guesses[first : first + AT_ONCE]
        table = connection.sql(f"SELECT {', '.join(_as_asked(guess) for guess in some)} FROM sampled").to_arrow_table()
        for guess, column in zip(some, table.columns, strict=True):
            if guess.is_text:
                encoded = column.combine_chunks().dictionary_encode()
                codes = encoded.indices.to_numpy(zero_copy_only=False)
                yield (
                    guess,
                    np.where(np.isnan(codes.astype(float)), len(encoded.dictionary), codes).astype(np.int64),
                    None,
                )
            else:
                numbers = column.to_numpy().astype(np.float64)
                yield guess, _binned(numbers), numbers


def _as_asked(guess: Guess) -> str:
    value = quoted(guess.name)
    return (
        value
        if guess.is_text
        else f"epoch({value})::DOUBLE AS {value}"
        if guess.is_time
        else f"{value}::DOUBLE AS {value}"
    )


def _binned(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    present = numbers[~np.isnan(numbers)]
    different = np.unique(present)
    borders = different if len(different) <= BINS else np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)))
    codes = np.searchsorted(borders, numbers, side="right")
    return np.where(np.isnan(numbers), len(borders) + 1, codes).astype(np.int64)


def _score(
    codes: NDArray[np.int64],
    numbers: NDArray[np.float64] | None,
    labels: NDArray[np.float64],
    half: NDArray[np.bool_],
    task: Task,
) -> float:
    if task.kind == REGRESSION:
        return max(_explained(_means(codes, labels, half)[~half], labels[~half]), _straight(numbers, labels))
    if task.kind == BINARY:
        return _ranked(_means(codes, labels, half)[~half], labels[~half])
    wide = int(codes.max()) + 1
    table = np.zeros((wide, len(task.classes)))
    np.add.at(table, (codes[half], labels[half].astype(int)), 1)
    right = table.argmax(axis=1)[codes[~half]] == labels[~half]
    commonest = max(np.bincount(labels[~half].astype(int))) / max((~half).sum(), 1)
    return float(right.mean()) if commonest < 0.95 else 0.0


def _means(codes: NDArray[np.int64], labels: NDArray[np.float64], half: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each row the mean label of its code in one half; that of all rows where the code is not in it."""
    wide = int(codes.max()) + 1
    rows = np.bincount(codes[half], minlength=wide)
    sums = np.bincount(codes[half], labels[half], minlength=wide)
    means = np.where(rows > 0, sums / np.maximum(rows, 1), labels[half].mean())
    return np.asarray(means[codes], np.float64)


def _ranked(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Return the ROC AUC, ties counted by half."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives < 2 or negatives < 2:
        return 0.0
    _, places, rows = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(rows) - (rows - 1) / 2)[places]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _explained(means: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    spread = float(((labels - labels.mean()) ** 2).sum())
    return 1 - float(((labels - means) ** 2).sum()) / spread if spread else 0.0


def _straight(numbers: NDArray[np.float64] | None, labels: NDArray[np.float64]) -> float:
    """Return how much of the label is a straight line of a column."""
    if numbers is None:
        return 0.0
    present = ~np.isnan(numbers)
    if present.mean() < 0.5 or np.ptp(numbers[present]) == 0 or np.ptp(labels[present]) == 0:
        return 0.0
    return float(np.corrcoef(numbers[present], labels[present])[0, 1] ** 2)
