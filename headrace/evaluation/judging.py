"""From a candidate's scores to what is said about it: what differs by the task is a file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headrace.declaration.durations import microseconds
from headrace.evaluation.precision_at import period_numbers
from headrace.evaluation.slicing import bucket
from headrace.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from headrace.declaration.modelling import Evaluation
    from headrace.declaration.rules import Rules
    from headrace.metrics.ranking import Array
    from headrace.tasks import Task


@dataclass(frozen=True)
class Rows:
    """Labelled rows that scores are judged on."""

    labels: Array
    entities: Array | None = None
    """Whose row it is, where `evaluation.precision_at` is declared."""
    periods: Array | None = None
    """The number of the period that the row falls in."""

    @classmethod
    def of(cls, table: pa.Table, label: str, timestamp: str | None, evaluation: Evaluation) -> Rows:
        """Take what judging needs out of a table."""
        labels = table[label].to_numpy()
        if evaluation.precision_at is None:
            return cls(labels)
        entities = table[evaluation.precision_at.entity].to_pandas().factorize(sort=True)[0]
        if timestamp is None or not len(labels):
            return cls(labels, entities, np.zeros(len(labels), dtype=np.int64))
        periods = period_numbers(table[timestamp].to_numpy(), microseconds(evaluation.precision_at.period))
        return cls(labels, entities, periods)

    def take(self, mask: Array) -> Rows:
        """Return the rows that `mask` is True for."""
        if self.entities is None or self.periods is None:
            return Rows(self.labels[mask])
        return Rows(self.labels[mask], self.entities[mask], self.periods[mask])


@dataclass(frozen=True)
class TestRows:
    """The rows that candidates are judged on at the very end, with all that is asked about them."""

    rows: Rows
    table: pa.Table
    lost: Array | None
    """What each row costs where it is positive and not flagged, where costs are declared."""
    knowable: Array | None
    """Whether each row could be known for a positive, where `evaluation.knowable` is declared."""


class Judge(ABC):
    """Says what candidates of one task are worth.

    Args:
        task: What the label is.
        evaluation: The declaration.
    """

    shown: ClassVar[tuple[str, ...]]
    """Metrics on the test rows, for who watches the stage run."""

    def __init__(self, task: Task, evaluation: Evaluation) -> None:
        self.task, self.evaluation = task, evaluation

    def validation(self, rows: Rows, scores: Array, folds: Array) -> dict[str, Any]:
        """Measure on the validation rows: `validation` are means over folds, each of which has a model of its own."""
        each = [self.measure(rows.take(folds == fold), scores[folds == fold]) for fold in np.unique(folds)]
        means = {name: float(np.mean([fold[name] for fold in each])) for name in each[0]}
        return {"threshold": None, "validation": means, "folds": [fold[self.evaluation.metric] for fold in each]}

    @abstractmethod
    def test(self, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Measure a candidate on the test rows: `test`, `confusion`, `slices`, `cost`; what a task has not is None."""

    @abstractmethod
    def plots(self, test: TestRows, scores: Array) -> dict[str, pd.DataFrame]:
        """Return the points of a candidate's plots."""

    def confusion_points(self, confusion: Any) -> pd.DataFrame:
        """Return the cells of a confusion matrix; a task without one is not asked."""
        raise NotImplementedError(self.task.name)

    def facts(self) -> dict[str, Any]:
        """Return what the declaration says of judging, for `evaluation.json`."""
        return {}

    def measure(self, rows: Rows, scores: Array) -> dict[str, float]:
        """Return the metrics of scores."""
        return {name: metric(rows.labels, scores) for name, metric in METRICS[self.task.name].items()}

    @abstractmethod
    def measure_slice(self, labels: Array, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return the metrics of the rows of a slice, of which there is at least one."""

    @abstractmethod
    def count(self, mask: Array, test: TestRows, scores: Array) -> dict[str, Any]:
        """Return how many rows a decision or a rule has, and how good the model is on them."""

    def count_rule(self, mask: Array, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return the same of a rule, beside what the model alone would have made of its rows."""
        del threshold
        return self.count(mask, test, scores)

    def together(self, rules: Rules, decisions: Array, test: TestRows) -> dict[str, Any]:
        """Return the metrics of what rules and model decide together, and what it costs.

        Args:
            rules: The declaration, settled.
            decisions: What was decided about each row, as places in `rules.decisions`.
            test: The rows.
        """
        del rules, decisions, test
        return {"test": {}, "cost": None}

    def slices(self, test: TestRows, scores: Array, threshold: float | None) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics for each value of the declared columns, or for each quarter of a number's rows."""
        return {column: self._sliced(test, column, scores, threshold) for column in self.evaluation.slices}

    def _sliced(self, test: TestRows, column: str, scores: Array, threshold: float | None) -> list[dict[str, Any]]:
        codes, names = bucket(test.table[column])
        return [
            {"value": name, **self.measure_slice(test.rows.labels[codes == code], scores[codes == code], threshold)}
            for code, name in enumerate(names)
            if (codes == code).any()
        ]
