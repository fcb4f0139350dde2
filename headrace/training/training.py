"""Train one candidate: split, tune, fit, save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import ConfigError
from headrace.metrics import METRICS
from headrace.models import FittedModel, Input, fit, prepare_rows, save
from headrace.splits import check_split, end_of_data, split_rows
from headrace.storage import write_beside
from headrace.tasks import as_column
from headrace.training.checking import check_model
from headrace.training.importance import permutation_importance
from headrace.training.table import FeatureTable, open_features, task_of_features
from headrace.training.tuning import FoldRows, Tuner, Tuning

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from headrace.declaration.modelling import Model
    from headrace.declaration.pipeline import TrainConfig
    from headrace.splits import Folds, Side
    from headrace.tasks import Task

VALIDATION = "validation.parquet"


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    manifest: dict[str, Any]
    metric: str
    value: float
    """The metric on the validation folds, averaged."""
    folds: int
    trials: int

    def __str__(self) -> str:
        """Say it in a line."""
        trials = f", {self.trials} trials" if self.trials else ""
        return f"{self.metric} {self.value:.3f} on {self.folds} folds{trials}, {self.manifest['rows']:,} rows"


@dataclass(frozen=True)
class _Rows:
    """The rows that may be seen before the test: their features, and where they stand in the table."""

    table: FeatureTable
    split: Folds
    chosen: NDArray[np.bool_]
    matrix: NDArray[np.float64]
    inputs: tuple[Input, ...]

    @property
    def task(self) -> Task:
        return self.table.columns.task

    def of(self, side: Side) -> tuple[NDArray[np.float64], NDArray[Any]]:
        mask = side.mask[self.chosen]
        return self.matrix if mask.all() else self.matrix[mask], self.table.labels[side.mask]


def train(features: Path, out: Path, config: TrainConfig, candidate: str) -> Trained:
    """Tune and fit a candidate, and write its folder: the model's files, `manifest.json` and `validation.parquet`.

    Args:
        features: The features folder.
        out: The candidate's folder; it is replaced as a whole, once all is done.
        config: What the stage reads of the pipeline's declaration.
        candidate: The candidate's name in `params.yaml`.

    Raises:
        ConfigError: The declaration is wrong; the message has a line for each thing that is.
        DataError: The rows do not suffice for the split, or one of its sides lacks labels, such as those of a class.
    """
    _refuse_wrong(config, task_of_features(features))
    rows = _read(open_features(features), config)
    folds = [_fold(config.model, rows, fold.train, fold.validation, config.seed) for fold in rows.split.folds]
    tuning = Tuner(config.model, folds, rows.task, config.evaluation.metric, config.seed).tune(candidate)
    del folds
    matrix, labels = rows.of(rows.split.train)
    prepared = prepare_rows(config.model, rows.inputs, matrix, labels, config.seed, task=rows.task)
    fitted = fit(config.model, tuning.best.params, prepared, config.seed)
    importance = fitted.importance()
    if importance is None:
        importance = permutation_importance(fitted, matrix, labels, config.evaluation.metric, config.seed)
    facts = {"candidate": candidate, **_facts(config, tuning, rows), "importance": _by_name(rows.inputs, importance)}
    return Trained(
        _write(out, fitted, facts, _validation(rows, tuning)),
        config.evaluation.metric,
        tuning.best.value,
        len(tuning.best.values),
        config.model.trials,
    )


def _refuse_wrong(config: TrainConfig, task: Task) -> None:
    problems = [(f"model.{key}", message) for key, message in check_model(config.model, task)]
    problems += [(f"split.{key}", message) for key, message in check_split(config.split)]
    metrics = METRICS[task.name]
    if config.evaluation.metric not in metrics:
        problems.append(("evaluation.metric", f"'{config.evaluation.metric}' is none of: {', '.join(sorted(metrics))}"))
    if problems:
        raise ConfigError("\n".join(f"{key}: {message}" for key, message in problems))


def _read(table: FeatureTable, config: TrainConfig) -> _Rows:
    split = split_rows(table.rows, config.split, config.target.delay, end_of_data(table.folder), table.columns)
    seen = [split.train, *(side for fold in split.folds for side in (fold.train, fold.validation))]
    chosen = np.logical_or.reduce([side.mask for side in seen])
    matrix, inputs = table.matrix(chosen)
    return _Rows(table, split, chosen, matrix, inputs)


def _fold(model: Model, rows: _Rows, train: Side, validation: Side, seed: int) -> FoldRows:
    fitted = prepare_rows(model, rows.inputs, *rows.of(train), seed, task=rows.task)
    matrix, labels = rows.of(validation)
    return FoldRows(fitted, fitted.prepare(matrix), labels)


def _facts(config: TrainConfig, tuning: Tuning, rows: _Rows) -> dict[str, Any]:
    labels, split = rows.table.labels, rows.split
    period = split.train.describe(labels, rows.task)
    judged = [fold.validation.describe(labels, rows.task) for fold in split.folds]
    return {
        "params": tuning.best.params,
        "prepare": config.model.prepare,
        "seed": config.seed,
        "tuning": {
            "metric": config.evaluation.metric,
            "best": tuning.best.value,
            "trials": [attempt.describe() for attempt in tuning.attempts],
        }
        if config.model.trials
        else None,
        "periods": {"train": period, "validation": judged},
        "rows": period["rows"],
        **({"positives": period["positives"]} if "positives" in period else {}),
    }


def _by_name(inputs: tuple[Input, ...], importance: NDArray[np.float64]) -> dict[str, float]:
    return {each.name: float(value) for each, value in zip(inputs, importance, strict=True)}


def _validation(rows: _Rows, tuning: Tuning) -> Any:
    """Return the out-of-fold scores: each row by a model that did not see it."""
    import pyarrow as pa

    parts = []
    for number, (fold, scores) in enumerate(zip(rows.split.folds, tuning.best.scores, strict=True)):
        part = rows.table.identity(fold.validation.mask).assign(fold=np.int8(number), score=as_column(scores))
        parts.append(pa.Table.from_pandas(part, preserve_index=False).replace_schema_metadata(None))
    return pa.concat_tables(parts)


def _write(out: Path, fitted: FittedModel, facts: dict[str, Any], validation: Any) -> dict[str, Any]:
    import pyarrow.parquet as pq

    with write_beside(out) as beside:
        beside.mkdir()
        manifest = save(fitted, beside, facts)
        pq.write_table(validation, beside / VALIDATION, compression="zstd")
    return manifest
