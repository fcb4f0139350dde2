"""A run for each candidate, known by the candidate's digest."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError
from headrace.models import MANIFEST, read_manifest
from headrace.registry.places import artifact_place, sqlite_file
from headrace.registry.provenance import provenance
from headrace.storage import digest, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mlflow.entities import Run

    from headrace.registry.opening import Store

DIGEST = "headrace.digest"
EVALUATION = "headrace.evaluation"
CANDIDATE = "headrace.candidate"
WRITER = "headrace.writer"
TOLD = ("model", "prepare", "seed", "rows", "positives")
"""What a run's parameters say beside the model's own; positives of a binary target alone."""
MODEL = "model"
"""Where a run has the candidate's model."""
ABANDONED = 3_600_000
"""Milliseconds after which nobody is writing a run any more."""


@dataclass(frozen=True)
class Evaluated:
    """What DVC holds of a pipeline that was evaluated."""

    pipeline: str
    data: Path
    summary: dict[str, Any]
    """`evaluation.json`."""
    digest: str
    """Of the evaluation's folder."""

    @classmethod
    def read(cls, pipeline: str, data: Path) -> Evaluated:
        """Read a pipeline's data folder."""
        folder = data / "evaluation"
        return cls(pipeline, data, read_json(folder / "evaluation.json"), digest(folder))


def record(store: Store, evaluated: Evaluated, root: Path) -> tuple[dict[str, str], list[str]]:
    """Write the runs that are missing, and new metrics where a candidate was evaluated anew.

    Args:
        store: MLflow.
        evaluated: The pipeline.
        root: The repository.

    Returns:
        The run's id by candidate, and a line for each run that was written to.

    Raises:
        DataError: A candidate's folder is not the one that was evaluated.
    """
    experiment = _experiment(store, evaluated.pipeline)
    runs: dict[str, str] = {}
    lines: list[str] = []
    for name, judged in sorted(evaluated.summary["candidates"].items()):
        sha256 = _check_digest(evaluated.data / "candidates" / name, judged["digest"])
        run = _find(store, experiment, sha256)
        if run is None:
            runs[name] = _write(store, experiment, evaluated, name, root)
            lines.append(f"the run of {name} is in MLflow")
            continue
        runs[name] = run.info.run_id
        if run.data.tags.get(EVALUATION) != evaluated.digest:
            _judge(store, run.info.run_id, evaluated, name)
            lines.append(f"the run of {name} has its new metrics")
    return runs, lines


def _experiment(store: Store, pipeline: str) -> str:
    """Return the id of the pipeline's experiment, made where there is none, restored where it was deleted."""
    found = store.client.get_experiment_by_name(pipeline)
    if found is None:
        place = artifact_place(store.tracking, pipeline)
        return str(store.client.create_experiment(pipeline, artifact_location=place))
    if found.lifecycle_stage == "deleted":
        store.client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _check_digest(folder: Path, evaluated: str) -> str:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, though evaluation.json has it; run `dvc pull` or `dvc repro`")
    found = digest(folder)
    if found != evaluated:
        raise DataError(f"{folder}: its digest is {found}, evaluation.json judged {evaluated}; run `dvc repro`")
    return found


def _find(store: Store, experiment: str, sha256: str) -> Run | None:
    """Return the run of a candidate that was finished first; what a killed process began is deleted."""
    runs = store.client.search_runs([experiment], f"tags.`{DIGEST}` = '{sha256}'", order_by=["attributes.end_time"])
    for run in runs:
        if run.info.status != "FINISHED" and _is_abandoned(store, run):
            store.client.delete_run(run.info.run_id)
    return next((run for run in runs if run.info.status == "FINISHED"), None)


def _is_abandoned(store: Store, run: Run) -> bool:
    """Say whether nobody writes a run any more: we hold the lock of our machine, or of the SQLite file for all."""
    if sqlite_file(store.tracking.uri) or run.data.tags.get(WRITER) == platform.node():
        return True
    return bool(time.time() * 1000 - run.info.start_time > ABANDONED)


def _write(store: Store, experiment: str, evaluated: Evaluated, name: str, root: Path) -> str:
    """Write a run; it is FINISHED only when all is there."""
    from mlflow.entities import Param

    folder = evaluated.data / "candidates" / name
    manifest, sha256 = read_manifest(folder), digest(folder)
    tags = {DIGEST: sha256, CANDIDATE: name, WRITER: platform.node(), **provenance(root, evaluated.data, name)}
    client = store.client
    run_id = str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)
    told = {**manifest["params"], **{key: manifest[key] for key in TOLD if key in manifest}}
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in told.items()])
    for file in (MANIFEST, *manifest["files"]):  # not the out-of-fold scores: they name customers
        client.log_artifact(run_id, str(folder / file), MODEL)
    client.log_dict(run_id, manifest["importance"], "importance.json")
    if manifest["tuning"]:
        client.log_dict(run_id, manifest["tuning"], "tuning.json")
    _judge(store, run_id, evaluated, name)
    client.set_terminated(run_id)
    first = _find(store, experiment, sha256)  # on a server another machine may have been as fast
    if first is not None and first.info.run_id != run_id:
        client.delete_run(run_id)
        return str(first.info.run_id)
    return run_id


def _judge(store: Store, run_id: str, evaluated: Evaluated, name: str) -> None:
    """Write what an evaluation says of a candidate; the tag comes last and says that all of it is there."""
    from mlflow.entities import Metric

    from headrace.plots import figures

    judged = evaluated.summary["candidates"][name]
    now = int(time.time() * 1000)
    told = {"threshold": judged["threshold"], "validation": judged["validation"], "test": judged["test"]}
    store.client.log_batch(run_id, metrics=[Metric(key, value, now, 0) for key, value in _numbers(told)])
    for figure, drawn in figures(evaluated.data, name).items():
        store.client.log_figure(run_id, drawn, f"plots/{figure}.png")
    store.client.set_tag(run_id, EVALUATION, evaluated.digest)


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield all numbers of nested dictionaries, named as `test.roc_auc`."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", float(value)
