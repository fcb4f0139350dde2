"""Small real tables, declared as pipelines of a project: iris and wine have three classes, diabetes a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from sklearn.datasets import load_diabetes, load_iris, load_wine

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pandas as pd

MODELS = {"multiclass": ("lightgbm", "logistic_regression"), "regression": ("lightgbm_regressor", "ridge")}
PLOTS = {
    "multiclass": {
        "precision and recall": ("precision_recall", "candidate_class_curves", "recall", "precision"),
        "confusion": ("confusion", "candidate_confusion", "predicted", "actual"),
    },
    "regression": {
        "predicted and actual": ("predictions", "candidate_scatter", "actual", "predicted"),
        "error": ("deciles", "candidate_points", "predicted", "mae"),
    },
}


@dataclass(frozen=True)
class Table:
    """A table and what is asked of it."""

    name: str
    rows: pd.DataFrame
    label: str
    task: str
    metric: str

    @property
    def features(self) -> list[str]:
        """The columns that a model sees."""
        return [name for name in self.rows if name not in {"id", self.label}]


def iris() -> Table:
    """Return flowers of three species, by name."""
    data = load_iris(as_frame=True)
    species = data.target.map(dict(enumerate(map(str, data.target_names))))
    rows = data.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
    return _table("iris", rows.assign(species=species), "species", "multiclass", "log_loss")


def wine() -> Table:
    """Return wines of three growers, by number; a column has a slash in its name."""
    data = load_wine(as_frame=True)
    return _table("wine", data.data.assign(grower=data.target), "grower", "multiclass", "f1_macro")


def diabetes() -> Table:
    """Return patients, and how far their illness went in a year."""
    data = load_diabetes(as_frame=True, scaled=False)
    return _table("diabetes", data.data.assign(progression=data.target), "progression", "regression", "mae")


def _table(name: str, rows: pd.DataFrame, label: str, task: str, metric: str) -> Table:
    rows.insert(0, "id", range(len(rows)))
    return Table(name, rows, label, task, metric)


def declare(table: Table) -> dict[str, dict[str, Any]]:
    """Return the declaration, by file."""
    label: dict[str, Any] = {"type": "float"}
    if table.task == "multiclass":
        values = sorted(table.rows[table.label].unique().tolist())
        label = {"type": "category" if isinstance(values[0], str) else "integer", "values": values}
    columns = {"id": {"type": "integer"}} | {name: {"type": "float"} for name in table.features}
    name = table.name
    return {
        "pipeline.yaml": {
            "defaults": ["base", "_self_"],
            "source": {"path": f"data/{name}/source/{name}.csv"},
            "target": {"column": table.label, "task": table.task, "delay": "0s"},
            "split": {"rows": {"test_share": 0.25, "folds": 3}},
            "seed": 0,
            "evaluation": {"metric": table.metric, "slices": table.features[:1]},
            "registration": {"resamples": 200, "confidence": 0.95, "minimum_gain": 0.0},
        },
        "schema.yaml": {"key": "id", "timestamp": None, "columns": columns | {table.label: label}},
        "features.yaml": {"columns": table.features},
        "serving.yaml": {},
        "rules.yaml": {},
        "dvc.yaml": {
            "plots": [
                {f"{name}, {title}": {"template": template, "x": x, "y": {f"../../data/{name}/plots/{file}.csv": y}}}
                for title, (file, template, x, y) in PLOTS[table.task].items()
            ]
        },
    }


def add(root: Path, table: Table) -> None:
    """Add a table to a project as a pipeline: a folder, its rows, and lines in `params.yaml`."""
    folder, source = root / "pipelines" / table.name, root / "data" / table.name / "source"
    folder.mkdir(parents=True)
    source.mkdir(parents=True)
    for file, content in declare(table).items():
        (folder / file).write_text(yaml.safe_dump(content, sort_keys=False))
    table.rows.to_csv(source / f"{table.name}.csv", index=False)
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["pipelines"][table.name] = {"source": "csv", "until": "all", "tracking": "file"}
    for model in MODELS[table.task]:
        params["candidates"][f"{table.name}-{model}"] = {"pipeline": table.name, "model": model}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
