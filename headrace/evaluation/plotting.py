"""The points of every plot, as tables that DVC, MLflow and the report draw from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.evaluation.judging import Judge, TestRows
    from headrace.metrics.ranking import Array


def plot_points(
    judge: Judge,
    test: TestRows,
    scores: Mapping[str, Array],
    judged: Mapping[str, Mapping[str, Any]],
    importances: Mapping[str, Mapping[str, float]],
) -> dict[str, pd.DataFrame]:
    """Return a table for each plot, with a column `candidate` first."""
    of_candidates = {name: judge.plots(test, each) for name, each in scores.items()}
    for name, points in of_candidates.items():
        if judged[name]["confusion"] is not None:
            points["confusion"] = judge.confusion_points(judged[name]["confusion"])
        points["importance"] = _importance(importances[name])
    names = next(iter(of_candidates.values()))
    return {plot: _stack({name: points[plot] for name, points in of_candidates.items()}) for plot in names}


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    stacked = pd.concat(tables, names=["candidate"])
    return stacked.reset_index(level="candidate").reset_index(drop=True)


def _importance(importance: Mapping[str, float]) -> pd.DataFrame:
    ordered = sorted(importance.items(), key=lambda item: (-abs(item[1]), item[0]))
    return pd.DataFrame(ordered, columns=["feature", "importance"])
