"""Judging numbers: how far they are from the true ones, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from headrace.evaluation.judging import Judge, Rows, TestRows
from headrace.metrics import METRICS

if TYPE_CHECKING:
    from headrace.metrics.ranking import Array

POINTS = 600
"""Rows that are drawn as a point each."""
PARTS = 10


class RegressionJudge(Judge):
    """Judges predicted numbers."""

    shown: ClassVar[tuple[str, ...]] = ("rmse", "mae", "median_absolute_error", "r2")

    def test(self, test: TestRows, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Measure the errors."""
        slices = self.slices(test, scores, threshold)
        return {"test": self.measure(test.rows, scores), "confusion": None, "slices": slices, "cost": None}

    def plots(self, test: TestRows, scores: Array) -> dict[str, pd.DataFrame]:
        """Return some rows as points, and all rows by tenths of what is predicted."""
        labels = test.rows.labels
        chosen = np.unique(np.linspace(0, len(labels) - 1, POINTS).astype(int))
        points = pd.DataFrame({"predicted": scores[chosen], "actual": labels[chosen]})
        residuals = pd.DataFrame({"predicted": scores[chosen], "error": scores[chosen] - labels[chosen]})
        return {"predictions": points, "residuals": residuals, "deciles": deciles(labels, scores)}

    def measure(self, rows: Rows, scores: Array) -> dict[str, float]:
        """Return the metrics, and whether predictions are too high or too low on average."""
        return {**super().measure(rows, scores), "mean_error": float((scores - rows.labels).mean())}

    def measure_slice(self, labels: Array, scores: Array, threshold: float | None) -> dict[str, Any]:
        """Return the errors of the rows."""
        del threshold
        errors = {name: METRICS[self.task.name][name](labels, scores) for name in ("mae", "rmse")}
        means = {"mean_error": float((scores - labels).mean()), "mean_label": float(labels.mean())}
        return {"rows": len(labels), **errors, **means}

    def count(self, mask: Array, test: TestRows, scores: Array) -> dict[str, Any]:
        """Return the rows, and how far their predictions are off."""
        rows, errors = int(np.count_nonzero(mask)), np.abs(scores - test.rows.labels)
        return {"rows": rows, "mae": float(errors[mask].mean()) if rows else None}


def deciles(labels: Array, scores: Array) -> pd.DataFrame:
    """Return means of rows in ten parts of rising prediction; fewer where predictions are alike."""
    edges = np.unique(np.quantile(scores, np.arange(1, PARTS) / PARTS, method="inverted_cdf"))
    codes = np.searchsorted(edges, scores)
    rows = np.bincount(codes, minlength=len(edges) + 1)
    held = rows > 0
    means = {
        name: np.bincount(codes, weights=values, minlength=len(rows))[held] / rows[held]
        for name, values in (("predicted", scores), ("actual", labels), ("mae", np.abs(scores - labels)))
    }
    return pd.DataFrame({"decile": 1 + np.arange(int(held.sum())), **means, "rows": rows[held]})
