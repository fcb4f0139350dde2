"""Judging one of three or more: each class against the rest, which is taken for which, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from headrace.evaluation import curves
from headrace.evaluation.judging import Judge, TestRows
from headrace.metrics import METRICS, confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.metrics.ranking import Array


class MulticlassJudge(Judge):
    """Judges the probabilities of classes."""

    shown: ClassVar[tuple[str, ...]] = ("log_loss", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr")

    def test(self, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Measure the probabilities, and what is taken for what."""
        labels = test.rows.labels
        cells = confusion_matrix(labels, scores.argmax(axis=1), len(self.task.classes))
        error = curves.calibration_error(_calibration(labels, scores))
        return {
            "test": {**self.measure(test.rows, scores), "calibration_error": error},
            "confusion": cells.tolist(),
            "classes": self._by_class(labels, scores, cells),
            "slices": self.slices(test, scores, threshold),
            "cost": None,
        }

    def plots(self, test: TestRows, scores: Array) -> dict[str, pd.DataFrame]:
        """Return a curve for each class that has test rows, of it against all others, and the calibration."""
        labels = test.rows.labels
        return {
            "roc": self._one_against_rest(curves.roc, labels, scores),
            "precision_recall": self._one_against_rest(curves.precision_recall, labels, scores),
            "calibration": _calibration(labels, scores),
        }

    def confusion_points(self, cells: list[list[int]]) -> pd.DataFrame:
        """Return the cells of the confusion matrix, in the order of the classes."""
        names = [str(each) for each in self.task.classes]
        rows = [
            (actual, predicted, cells[down][across])
            for down, actual in enumerate(names)
            for across, predicted in enumerate(names)
        ]
        return pd.DataFrame(rows, columns=["actual", "predicted", "rows"])

    def measure_slice(self, labels: Array, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return how often the class is right, and how probable it was."""
        del threshold
        of_task = METRICS[self.task.name]
        return {"rows": len(labels), **{name: of_task[name](labels, scores) for name in ("accuracy", "log_loss")}}

    def count(self, mask: Array, test: TestRows, scores: Array) -> dict[str, Any]:
        """Return the rows, and in how many of them the predicted class is right."""
        right = scores.argmax(axis=1) == test.rows.labels
        rows = int(np.count_nonzero(mask))
        return {"rows": rows, "accuracy": float(right[mask].mean()) if rows else None}

    def _one_against_rest(
        self, curve: Callable[[Array, Array], pd.DataFrame], labels: Array, scores: Array
    ) -> pd.DataFrame:
        present = np.unique(labels)
        return pd.concat(
            [curve((labels == each).astype(np.int8), scores[:, each]).assign(**{"class": str(name)})
             for each, name in enumerate(self.task.classes) if each in present],
            ignore_index=True,
        )  # fmt: skip

    def _by_class(self, labels: Array, scores: Array, cells: Array) -> list[dict[str, Any]]:
        """Return for each class its rows, how many of them are found, and how many that are taken for it are it."""
        hits, actual, predicted = cells.diagonal(), cells.sum(axis=1), cells.sum(axis=0)
        average_precision = METRICS["binary"]["average_precision"]
        return [
            {
                "class": str(name),
                "rows": int(actual[each]),
                "predicted": int(predicted[each]),
                "recall": float(hits[each] / actual[each]) if actual[each] else None,
                "precision": float(hits[each] / predicted[each]) if predicted[each] else None,
                "average_precision": average_precision(labels == each, scores[:, each]) if actual[each] else None,
            }
            for each, name in enumerate(self.task.classes)
        ]


def _calibration(labels: Array, scores: Array) -> pd.DataFrame:
    """Return the probability of the predicted class, and how often it was right."""
    predicted = scores.argmax(axis=1)
    return curves.calibration(predicted == labels, scores.max(axis=1))
