"""From a candidate's scores to what is said about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.declaration.durations import microseconds
from headrace.evaluation import curves
from headrace.evaluation.precision_at import period_numbers, precision_at
from headrace.evaluation.slicing import slice_metrics
from headrace.evaluation.threshold import choose_threshold, recall_at_budget
from headrace.metrics import DECISION_METRICS, METRICS, confusion

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.declaration.modelling import Evaluation
    from headrace.metrics.ranking import Array


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


def judge_validation(rows: Rows, scores: Array, folds: Array, evaluation: Evaluation) -> dict[str, Any]:
    """Choose the threshold on the validation rows, and measure there.

    Metrics of scores are means over folds, since each fold has a model of its own; the threshold, and the metrics of
    its decisions, come from the rows of all folds together.
    """
    each = [_score_metrics(rows.take(folds == fold), scores[folds == fold], evaluation) for fold in np.unique(folds)]
    threshold = choose_threshold(rows.labels, scores, evaluation.false_positive_budget)
    means = {name: float(np.mean([fold[name] for fold in each])) for name in each[0]}
    return {
        "threshold": threshold,
        "validation": {**means, **_decision_metrics(rows, scores, threshold)},
        "folds": [fold[evaluation.metric] for fold in each],
    }


def judge_test(test: TestRows, scores: Array, threshold: float, evaluation: Evaluation) -> dict[str, Any]:
    """Measure a candidate on the test rows at a threshold chosen before."""
    labels = test.rows.labels
    bins = curves.calibration(labels, scores)
    metrics = {
        **_score_metrics(test.rows, scores, evaluation),
        **_decision_metrics(test.rows, scores, threshold),
        "calibration_error": curves.calibration_error(bins),
    }
    if test.knowable is not None:
        knowable = (labels != 0) & test.knowable
        metrics["recall_of_knowable"] = float((scores[knowable] >= threshold).mean()) if knowable.any() else 0.0
    slices = {column: slice_metrics(test.table[column], labels, scores, threshold) for column in evaluation.slices}
    money = None
    if evaluation.costs and test.lost is not None:
        money = curves.cost_at(labels, scores, test.lost, evaluation.costs.false_positive, threshold)
    return {
        "test": metrics,
        "confusion": confusion(labels, scores, threshold)._asdict(),
        "slices": slices,
        "cost": money,
    }


def _score_metrics(rows: Rows, scores: Array, evaluation: Evaluation) -> dict[str, float]:
    metrics = {name: metric(rows.labels, scores) for name, metric in METRICS.items()}
    metrics["recall_at_budget"] = recall_at_budget(rows.labels, scores, evaluation.false_positive_budget)
    if evaluation.precision_at and rows.entities is not None and rows.periods is not None:
        count = evaluation.precision_at.count
        value = precision_at(rows.labels, scores, rows.entities, rows.periods, count)
        metrics[f"precision_at_{count}"] = value
    return metrics


def _decision_metrics(rows: Rows, scores: Array, threshold: float) -> dict[str, float]:
    counts = confusion(rows.labels, scores, threshold)
    return {name: metric(counts) for name, metric in DECISION_METRICS.items()}
