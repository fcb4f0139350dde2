"""The points of every plot, as tables that DVC, MLflow and the report draw from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headrace.evaluation import curves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.declaration.modelling import Costs
    from headrace.evaluation.judging import TestRows
    from headrace.metrics.ranking import Array


def plot_points(
    test: TestRows,
    scores: Mapping[str, Array],
    judged: Mapping[str, Mapping[str, Any]],
    importances: Mapping[str, Mapping[str, float]],
    costs: Costs | None,
) -> dict[str, pd.DataFrame]:
    """Return a table for each plot, with a column `candidate` first."""
    labels = test.rows.labels
    plots = {
        "roc": {name: curves.roc(labels, each) for name, each in scores.items()},
        "precision_recall": {name: curves.precision_recall(labels, each) for name, each in scores.items()},
        "calibration": {name: curves.calibration(labels, each) for name, each in scores.items()},
        "confusion": {name: _confusion(one["confusion"]) for name, one in judged.items()},
        "importance": {name: _importance(importances[name]) for name in scores},
    }
    if costs is not None and test.lost is not None:
        unit, lost = costs.false_positive, test.lost
        plots["cost"] = {name: curves.cost(labels, each, lost, unit) for name, each in scores.items()}
    return {plot: _stack(tables) for plot, tables in plots.items()}


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    stacked = pd.concat(tables, names=["candidate"])
    return stacked.reset_index(level="candidate").reset_index(drop=True)


def _confusion(counts: Mapping[str, int]) -> pd.DataFrame:
    cells = [(1, 1, "tp"), (1, 0, "fn"), (0, 1, "fp"), (0, 0, "tn")]
    rows = [(actual, predicted, counts[cell]) for actual, predicted, cell in cells]
    return pd.DataFrame(rows, columns=["actual", "predicted", "rows"])


def _importance(importance: Mapping[str, float]) -> pd.DataFrame:
    ordered = sorted(importance.items(), key=lambda item: (-abs(item[1]), item[0]))
    return pd.DataFrame(ordered, columns=["feature", "importance"])
