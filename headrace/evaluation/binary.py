"""Judging one of two: the threshold, decisions, calibration, costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from headrace.evaluation import curves
from headrace.evaluation.judging import Judge, Rows, TestRows
from headrace.evaluation.precision_at import precision_at
from headrace.evaluation.threshold import choose_threshold, recall_at_budget
from headrace.metrics import DECISION_METRICS, METRICS, Confusion, confusion
from headrace.rules import ABOVE

if TYPE_CHECKING:
    from headrace.declaration.rules import Rules
    from headrace.metrics.ranking import Array

BUDGET = 0.01
"""Of false positives, where none is declared."""
IN_SLICES = ("precision", "recall", "false_positive_rate")
OF_RULES = ("recall", "precision", "false_positive_rate")
CELLS = ((1, 1, "tp"), (1, 0, "fn"), (0, 1, "fp"), (0, 0, "tn"))


class BinaryJudge(Judge):
    """Judges probabilities of the positive class, and what a threshold makes of them."""

    shown: ClassVar[tuple[str, ...]] = ("roc_auc", "average_precision", "recall", "precision", "false_positive_rate")

    @property
    def budget(self) -> float:
        """The largest share of negatives that may be flagged."""
        declared = self.evaluation.false_positive_budget
        return BUDGET if declared is None else declared

    def facts(self) -> dict[str, Any]:
        """Return the budget."""
        return {"false_positive_budget": self.budget}

    def validation(self, rows: Rows, scores: Array, folds: Array) -> dict[str, Any]:
        """Choose the threshold on the rows of all folds together, and measure its decisions there."""
        threshold = choose_threshold(rows.labels, scores, self.budget)
        judged = super().validation(rows, scores, folds)
        decisions = _decision_metrics(confusion(rows.labels, scores, threshold))
        return {**judged, "threshold": threshold, "validation": {**judged["validation"], **decisions}}

    def test(self, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Measure at a threshold that was chosen before."""
        assert threshold is not None
        labels, counts = test.rows.labels, confusion(test.rows.labels, scores, threshold)
        metrics = {
            **self.measure(test.rows, scores),
            **_decision_metrics(counts),
            "calibration_error": curves.calibration_error(curves.calibration(labels, scores)),
        }
        if test.knowable is not None:
            knowable = (labels != 0) & test.knowable
            metrics["recall_of_knowable"] = float((scores[knowable] >= threshold).mean()) if knowable.any() else 0.0
        costs, money = self.evaluation.costs, None
        if costs and test.lost is not None:
            money = curves.cost_at(labels, scores, test.lost, costs.false_positive, threshold)
        slices = self.slices(test, scores, threshold)
        return {"test": metrics, "confusion": counts._asdict(), "slices": slices, "cost": money}

    def plots(self, test: TestRows, scores: Array) -> dict[str, pd.DataFrame]:
        """Return the curves over all thresholds."""
        labels, costs = test.rows.labels, self.evaluation.costs
        points = {
            "roc": curves.roc(labels, scores),
            "precision_recall": curves.precision_recall(labels, scores),
            "calibration": curves.calibration(labels, scores),
        }
        if costs and test.lost is not None:
            points["cost"] = curves.cost(labels, scores, test.lost, costs.false_positive)
        return points

    def confusion_points(self, counts: dict[str, int]) -> pd.DataFrame:
        """Return the cells of the confusion matrix."""
        rows = [(actual, predicted, counts[cell]) for actual, predicted, cell in CELLS]
        return pd.DataFrame(rows, columns=["actual", "predicted", "rows"])

    def measure(self, rows: Rows, scores: Array) -> dict[str, float]:
        """Return the metrics of scores, and what could be found within a budget and among the highest."""
        metrics = super().measure(rows, scores)
        metrics["recall_at_budget"] = recall_at_budget(rows.labels, scores, self.budget)
        top = self.evaluation.precision_at
        if top and rows.entities is not None and rows.periods is not None:
            found = precision_at(rows.labels, scores, rows.entities, rows.periods, top.count)
            metrics[f"precision_at_{top.count}"] = found
        return metrics

    def measure_slice(self, labels: Array, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return what the threshold makes of the rows."""
        assert threshold is not None
        counts = confusion(labels, scores, threshold)
        both = 0 < counts.tp + counts.fn < len(labels)
        return {
            "rows": len(labels),
            "positives": counts.tp + counts.fn,
            "flagged": counts.tp + counts.fp,
            **{name: DECISION_METRICS[name](counts) for name in IN_SLICES},
            "average_precision": METRICS[self.task.name]["average_precision"](labels, scores) if both else None,
        }

    def count(self, mask: Array, test: TestRows, scores: Array) -> dict[str, Any]:
        """Return the rows, and how many of them are positive."""
        del scores
        rows, positives = int(np.count_nonzero(mask)), int(np.count_nonzero(mask & (test.rows.labels != 0)))
        return {"rows": rows, "positives": positives, "precision": positives / rows if rows else None}

    def count_rule(self, mask: Array, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return the same of a rule, and of those of its rows that the model alone would have flagged."""
        assert threshold is not None
        alone = self.count(mask & (scores >= threshold), test, scores)
        return {**self.count(mask, test, scores), "model_flags": alone}

    def together(self, rules: Rules, decisions: Array, test: TestRows) -> dict[str, Any]:
        """Return what is flagged: all from `model.above` on."""
        above, costs, cost = rules.model[ABOVE], self.evaluation.costs, None
        flagged, positive = decisions >= rules.decisions.index(above), test.rows.labels != 0
        counts = confusion(positive, flagged, threshold=1)
        if costs is not None and test.lost is not None:
            cost = sum(curves.cost_of(flagged, positive, test.lost, costs.false_positive))
        metrics = {name: DECISION_METRICS[name](counts) for name in OF_RULES}
        return {"flagged_from": above, "test": metrics, "confusion": counts._asdict(), "cost": cost}


def _decision_metrics(counts: Confusion) -> dict[str, float]:
    return {name: metric(counts) for name, metric in DECISION_METRICS.items()}
