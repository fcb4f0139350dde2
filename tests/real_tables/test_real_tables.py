"""Real tables go from `headrace init` to an answer of `bentoml serve` without a hand edit, and no winner is a poor one."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml
from packaged_pipeline import Server, serving, start

from benchmarks.real_tables import TABLES
from benchmarks.tables import draft_and_run, judge

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
NEVER_SEEN = ("penguins", "cluster", "credit", "attrition", "diamonds", "hotels", "flights")
"""Three tasks; CSV, Parquet and a database; dates, missing values, missing labels, 336,776 rows."""


def row_of(project: Path, name: str) -> dict[str, Any]:
    """Return the last row as a client sends it: of a day later, where rows have a time."""
    packaged = json.loads((project / "data" / name / "package" / "model" / "package.json").read_text())
    schema = yaml.safe_load((project / "pipelines" / name / "schema.yaml").read_text())
    rows = pd.read_parquet(max((project / "data" / name / "validated").glob("*.parquet")))
    row = rows.iloc[-1].to_dict()
    if schema["timestamp"]:
        row[schema["timestamp"]] += dt.timedelta(days=1)
    return {
        column: None if pd.isna(row[column]) else row[column]
        for column in packaged["request"]
        if column != schema["key"]
    }


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of values that JSON has."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value.item() if hasattr(value, "item") else value
        for name, value in row.items()
    }


@pytest.mark.parametrize("name", NEVER_SEEN)
def test_a_table_becomes_a_served_model(name: str, tmp_path: Path) -> None:
    """Its task is found, its winner is not worse than scikit-learn's default, and a row is answered with reasons."""
    table = TABLES[name]
    project, seconds = draft_and_run(table, tmp_path)
    judged = judge(table, project, seconds)
    print(f"{name}: {judged}")
    assert judged.task == table.task
    assert judged.verdict != "worse"
    server = start(project, project / ".bentoml")
    for ready in serving(server):
        assert_answers(ready[0], plain(row_of(project, name)), table.task)


def assert_answers(server: Server, row: dict[str, Any], task: str) -> None:
    """Ask about a row, and look at the answer as its reader does."""
    status, answer = server.post("/predict", {"instance": row})
    assert status == 200, answer
    if task == "regression":
        assert math.isfinite(answer["prediction"])
    else:
        assert 0 <= answer["probability"] <= 1
        assert answer["decision"]
