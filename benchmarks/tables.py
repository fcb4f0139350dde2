"""Real tables from `headrace init` to a judged winner, beside scikit-learn's own default on the raw columns.

    python -m benchmarks.tables [NAME ...]

Each table is written as a file or a database, drafted by `headrace init`, run by `dvc repro`, and not touched by hand.
The winner and `HistGradientBoosting` as scikit-learn has it are judged on the same test rows by the metric that was
drafted. A winner is better, or worse, where the 95 % interval of a paired bootstrap leaves zero out; equal otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sqlalchemy
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.real_tables import TABLES, RealTable
from headrace.metrics import GREATER_IS_BETTER, METRICS, resample_weights, weighted

if TYPE_CHECKING:
    from headrace.metrics.ranking import Array

RESAMPLES, INTERVAL = 1000, (0.025, 0.975)
MOST_CATEGORIES = 255
"""What HistGradientBoosting takes; a column of more is left out, as whoever runs it by default has to."""


@dataclass(frozen=True)
class Judged:
    """The winner of a table beside scikit-learn's default."""

    rows: int
    columns: int
    task: str
    winner: str
    metric: str
    ours: float
    theirs: float
    interval: tuple[float, float]
    """Of how much better the winner is, whichever way the metric points."""
    seconds: float
    """From `headrace init` to the end of `dvc repro`."""

    @property
    def verdict(self) -> str:
        """Return better, equal or worse."""
        low, high = self.interval
        return "better" if low > 0 else "worse" if high < 0 else "equal"


def write(table: RealTable, folder: Path) -> list[str]:
    """Write a table to a folder, and return how `headrace init` is told of it."""
    rows = table.load()
    if table.kind == "parquet":
        rows.to_parquet(folder / f"{table.name}.parquet", index=False)
        return ["--from", str(folder / f"{table.name}.parquet")]
    if table.kind == "sqlite":
        url = f"sqlite:///{folder / 'tables.db'}"
        rows.to_sql(table.name, sqlalchemy.create_engine(url), index=False)
        return ["--from", url, "--table", table.name]
    rows.to_csv(folder / f"{table.name}.csv", index=False)
    return ["--from", str(folder / f"{table.name}.csv")]


def run(project: Path, *command: str) -> None:
    """Run a command in a project as its user does.

    Raises:
        RuntimeError: It fails; with what it said.
    """
    environment = {**os.environ, "BENTOML_HOME": str(project / ".bentoml"), "DVC_NO_ANALYTICS": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command, cwd=project, env={**environment, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")


def draft_and_run(table: RealTable, folder: Path) -> tuple[Path, float]:
    """Draft a table's pipeline in a new project and run it; return the project's folder, and the seconds it took."""
    project = folder / table.name
    project.mkdir()
    run(project, "headrace", "init")
    source = write(table, folder)
    start = time.perf_counter()
    run(project, "headrace", "init", table.name, *source, "--label", table.label)
    run(project, "dvc", "repro")
    return project, time.perf_counter() - start


def judge(table: RealTable, project: Path, seconds: float) -> Judged:
    """Judge the winner of a project beside scikit-learn's default."""
    data = project / "data" / table.name
    evaluation = json.loads((data / "evaluation" / "evaluation.json").read_text())
    schema = yaml.safe_load((project / "pipelines" / table.name / "schema.yaml").read_text())
    rows = pd.concat(pd.read_parquet(file) for file in sorted((data / "validated").glob("*.parquet")))
    scores = pd.read_parquet(data / "evaluation" / "scores.parquet")
    task, metric, key = evaluation["task"]["name"], evaluation["metric"], schema["key"]
    labels, ours = scores["label"].to_numpy(), _array(scores[evaluation["winner"]])
    theirs = default_scores(rows, scores, key, schema["timestamp"], table.label, evaluation["task"])
    sign = 1 if GREATER_IS_BETTER[metric] else -1
    one, other = weighted(task, metric, labels, ours), weighted(task, metric, labels, theirs)
    gains = [sign * (one(each) - other(each)) for each in resample_weights(len(labels), RESAMPLES, seed=0)]
    low, high = np.nanquantile(gains, INTERVAL)
    value = METRICS[task][metric]
    return Judged(
        rows=len(rows),
        columns=len(schema["columns"]),
        task=task,
        winner=evaluation["candidates"][evaluation["winner"]]["model"],
        metric=metric,
        ours=value(labels, ours),
        theirs=value(labels, theirs),
        interval=(float(low), float(high)),
        seconds=seconds,
    )


def default_scores(  # noqa: PLR0913, PLR0917  what a table is
    rows: pd.DataFrame, test: pd.DataFrame, key: str, timestamp: str | None, label: str, task: dict[str, Any]
) -> Array:
    """Return what scikit-learn's default says of the test rows, trained on all rows before them on the raw columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    raw = plain(rows.drop(columns=[key, label]))
    is_test = rows[key].isin(test[key]).to_numpy()
    trains = ~is_test & rows[label].notna().to_numpy()
    if timestamp:
        trains &= (rows[timestamp] < test[timestamp].min()).to_numpy()
    order = pd.Index(rows.loc[is_test, key]).get_indexer(test[key])
    if task["name"] == "regression":
        model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0)
        model.fit(raw[trains], rows.loc[trains, label].astype(float))
        return np.asarray(model.predict(raw[is_test]))[order]
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    model.fit(raw[trains], rows.loc[trains, label].astype(str))
    found = model.predict_proba(raw[is_test])[order][
        :, [list(model.classes_).index(str(each)) for each in task["classes"]]
    ]
    return found[:, 1] if task["name"] == "binary" else found


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Return columns as scikit-learn takes them: numbers, categories, and times as seconds."""
    found = {}
    for name, column in rows.items():
        if pd.api.types.is_datetime64_any_dtype(column):
            found[name] = column.astype("datetime64[s]").astype("int64").astype(float).where(column.notna())
        elif pd.api.types.is_numeric_dtype(column):
            found[name] = column.astype(float)
        elif column.map(lambda value: value is None or isinstance(value, str)).all():
            if column.nunique() <= MOST_CATEGORIES:
                found[name] = column.astype("category")
        else:
            found[name] = pd.to_numeric(column)
    return pd.DataFrame(found, index=rows.index)


def _array(column: pd.Series) -> Array:
    values = column.to_numpy()
    return np.stack(list(values)) if values.dtype == object else values


def main() -> None:
    """Print the table of tables; exit with 1 where a winner is worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help=f"of {', '.join(TABLES)}; all where none is named")
    names = parser.parse_args().names or list(TABLES)
    shown = Table("table", "rows", "columns", "task", "winner", "metric", "Headrace", "scikit-learn", "is", "minutes")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            table = TABLES[name]
            one = judge(table, *draft_and_run(table, Path(folder)))
            found.append(one)
            shown.add_row(
                name, f"{one.rows:,}", str(one.columns), one.task, one.winner, one.metric, f"{one.ours:.4f}",
                f"{one.theirs:.4f}", one.verdict, f"{one.seconds / 60:.1f}",
            )  # fmt: skip
            print(f"{name}: {one}", flush=True)
    Console(width=140).print(shown)
    raise SystemExit(any(one.verdict == "worse" for one in found))


if __name__ == "__main__":
    main()
