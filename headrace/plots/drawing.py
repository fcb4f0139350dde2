"""All figures of a pipeline, from what evaluation wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from headrace.plots import areas, lines
from headrace.storage import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

CURVES = {"precision_recall": lines.precision_recall, "roc": lines.roc, "calibration": lines.calibration}


def figures(data: Path, candidate: str | None = None) -> dict[str, Figure]:
    """Draw a pipeline's figures.

    Args:
        data: The pipeline's data folder, with `evaluation/` and `plots/` in it.
        candidate: Whose confusion matrix, importance and scores are drawn, and whose curve stands out; the winner's
            where it is left out.

    Returns:
        Figures by name: `precision_recall`, `roc`, `calibration`, `confusion`, `importance`, `scores`, and `cost`
        where costs are declared.
    """
    summary = read_json(data / "evaluation" / "evaluation.json")
    chosen = candidate or summary["winner"]
    names = [chosen, *(name for name in summary["candidates"] if name != chosen)]
    points = {file.stem: pd.read_csv(file) for file in sorted((data / "plots").glob("*.csv"))}
    drawn = {name: draw(points[name], names, summary) for name, draw in CURVES.items()}
    one = summary["candidates"][chosen]
    drawn["confusion"] = areas.confusion(one["confusion"])
    own = points["importance"][points["importance"]["candidate"] == chosen]
    if len(own):
        drawn["importance"] = areas.importance(own)
    table = pd.read_parquet(data / "evaluation" / "scores.parquet", columns=["label", chosen])
    drawn["scores"] = areas.scores(table["label"].to_numpy(), table[chosen].to_numpy(), one["threshold"])
    if one["cost"] is not None:
        drawn["cost"] = lines.cost(pd.read_csv(data / "evaluation" / "cost.csv"), names, summary)
    return drawn
