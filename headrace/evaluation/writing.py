"""Write what evaluation found out, each output whole or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.storage import read_json, write_beside, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from headrace.evaluation.evaluating import Result

NOT_SERVED = "validation.parquet"
NOT_OF_DVC = ("cost",)
"""Points that the report draws, of candidates of a pipeline that declares costs."""


def write_result(result: Result, candidates: Path, data: Path) -> None:
    """Write `evaluation/`, `plots/`, `winner/` and `metrics.json` to a pipeline's data folder."""
    with write_beside(data / "evaluation") as beside:
        beside.mkdir()
        write_json(beside / "evaluation.json", result.summary)
        table = pa.Table.from_pandas(result.scores, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), beside / "scores.parquet")
        for name in NOT_OF_DVC:
            if name in result.plots:
                _write_csv(result.plots[name], beside / f"{name}.csv")
    with write_beside(data / "plots") as beside:
        beside.mkdir()
        for name, points in result.plots.items():
            if name not in NOT_OF_DVC:
                _write_csv(points, beside / f"{name}.csv")
    _write_winner(result.summary, candidates, data / "winner")
    write_json(data / "metrics.json", metrics_of(result.summary))


def metrics_of(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers that `dvc metrics diff` compares: of the winner, of rules and winner, of every candidate."""
    candidates = summary["candidates"]
    numbers = {name: {side: one[side] for side in ("test", "validation")} for name, one in candidates.items()}
    winner = summary["winner"]
    return {
        "winner": {**numbers[winner]["test"], **_threshold(candidates[winner])},
        "hybrid": _hybrid(summary["hybrid"]),
        "candidates": numbers,
    }


def _threshold(candidate: dict[str, Any]) -> dict[str, float]:
    return {} if candidate["threshold"] is None else {"threshold": candidate["threshold"]}


def _hybrid(hybrid: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of what rules and model decide together, by name."""
    cost = {} if hybrid["cost"] is None else {"cost": hybrid["cost"]}
    return {
        **hybrid["test"],
        **cost,
        "decisions": {one["decision"]: _numbers(one) for one in hybrid["decisions"]},
        "rules": {one["name"]: {**_numbers(one), **_alone(one)} for one in hybrid["rules"]},
    }


def _alone(rule: dict[str, Any]) -> dict[str, int]:
    return {"flagged_by_model": rule["model_flags"]["rows"]} if "model_flags" in rule else {}


def _numbers(counted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in counted.items() if isinstance(value, int | float)}


def _write_csv(points: pd.DataFrame, file: Path) -> None:
    points.to_csv(file, index=False, lineterminator="\n")


def _write_winner(summary: dict[str, Any], candidates: Path, target: Path) -> None:
    """Copy the winner's folder, and say in its manifest from which score a row is flagged and how well that works."""
    source = candidates / summary["winner"]
    judged = summary["candidates"][summary["winner"]]
    with write_beside(target) as beside:
        shutil.copytree(source, beside, ignore=shutil.ignore_patterns(NOT_SERVED))
        manifest = read_json(source / "manifest.json")
        write_json(beside / "manifest.json", {**manifest, "threshold": judged["threshold"], "metrics": judged["test"]})
