"""All figures of a pipeline, from what evaluation wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headrace.declaration.modelling import TaskName
from headrace.plots import areas, lines, multiclass, regression
from headrace.storage import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure


def figures(data: Path, candidate: str | None = None) -> dict[str, Figure]:
    """Draw a pipeline's figures.

    Args:
        data: The pipeline's data folder, with `evaluation/` and `plots/` in it.
        candidate: Whose confusion matrix, importance and scores are drawn, and whose curve stands out; the winner's
            where it is left out.

    Returns:
        Figures by name. Binary: `precision_recall`, `roc`, `calibration`, `confusion`, `importance`, `scores`, and
        `cost` where costs are declared. Multiclass: the first five. Regression: `predictions`, `residuals`, `deciles`,
        `importance`.
    """
    summary = read_json(data / "evaluation" / "evaluation.json")
    chosen = candidate or summary["winner"]
    names = [chosen, *(name for name in summary["candidates"] if name != chosen)]
    points = {file.stem: pd.read_csv(file) for file in sorted((data / "plots").glob("*.csv"))}
    drawn = _OF_TASK[summary["task"]["name"]](data, points, names, summary)
    own = points["importance"][points["importance"]["candidate"] == chosen]
    if len(own):
        drawn["importance"] = areas.importance(own)
    return drawn


def _binary(
    data: Path, points: Mapping[str, pd.DataFrame], names: Sequence[str], summary: dict[str, Any]
) -> dict[str, Figure]:
    chosen, one = names[0], summary["candidates"][names[0]]
    drawn = {
        "precision_recall": lines.precision_recall(points["precision_recall"], names, summary),
        "roc": lines.roc(points["roc"], names, summary),
        "calibration": lines.calibration(points["calibration"], names, summary),
        "confusion": areas.confusion(one["confusion"]),
    }
    table = pd.read_parquet(data / "evaluation" / "scores.parquet", columns=["label", chosen])
    drawn["scores"] = areas.scores(table["label"].to_numpy(), table[chosen].to_numpy(), one["threshold"])
    if one["cost"] is not None:
        drawn["cost"] = lines.cost(pd.read_csv(data / "evaluation" / "cost.csv"), names, summary)
    return drawn


def _multiclass(
    data: Path, points: Mapping[str, pd.DataFrame], names: Sequence[str], summary: dict[str, Any]
) -> dict[str, Figure]:
    del data
    one, classes = summary["candidates"][names[0]], [str(each) for each in summary["task"]["classes"]]
    own = {name: of_all[of_all["candidate"] == names[0]].astype({"class": str}) for name, of_all in points.items()
           if "class" in of_all}  # fmt: skip
    return {
        "precision_recall": multiclass.precision_recall(own["precision_recall"], classes),
        "roc": multiclass.roc(own["roc"], classes),
        "calibration": multiclass.calibration(points["calibration"], names),
        "confusion": multiclass.confusion(one["confusion"], classes),
    }


def _regression(
    data: Path, points: Mapping[str, pd.DataFrame], names: Sequence[str], summary: dict[str, Any]
) -> dict[str, Figure]:
    del data, summary
    own = {name: of_all[of_all["candidate"] == names[0]] for name, of_all in points.items()}
    return {
        "predictions": regression.predictions(own["predictions"]),
        "residuals": regression.residuals(own["residuals"]),
        "deciles": regression.deciles(points["deciles"], names),
    }


_OF_TASK = {TaskName.binary: _binary, TaskName.multiclass: _multiclass, TaskName.regression: _regression}
