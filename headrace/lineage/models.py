"""A model version in MLflow: the registered version and the run of its candidate, both found by digests."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.lineage.steps import Model, NotHere, Period, Run
from headrace.models import MANIFEST
from headrace.registry.opening import in_store, without_secrets
from headrace.registry.places import at_home, sqlite_file
from headrace.registry.runs import CANDIDATE, DIGEST, MODEL
from headrace.registry.versions import Registered
from headrace.storage import digest, read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow.entities import Run as MlflowRun

    from headrace.declaration.modelling import Tracking
    from headrace.registry.opening import Store
    from headrace.service.contents import Contents

Found = TypeVar("Found")

KEPT = ("headrace.", "dvc.", "mlflow.source.git.commit")


def find_model(tracking: Tracking, name: str, version: str, contents: Contents | None) -> Model:
    """Return the registered version that an answer's model is.

    Args:
        tracking: Where MLflow is.
        name: The registered model.
        version: The first digits of the model's digest, as answers say them.
        contents: The package that is here: it knows the version also where another digest is the same model.

    Raises:
        NotHere: No MLflow is here, or none of its versions is that model.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    return _asked(tracking, lambda store: _version(store, name, version, contents))


def find_run(tracking: Tracking, pipeline: str, model: Model | None, version: str, data: Path) -> Run:
    """Return the run that a model comes from: its version's, else that of the candidate whose digest is here.

    Args:
        tracking: Where MLflow is.
        pipeline: Its experiment.
        model: The registered version, where there is one.
        version: What answers call the model.
        data: The pipeline's data folder: an unregistered winner's candidate is known by it.

    Raises:
        NotHere: There is no such run.
        TrackingError: MLflow cannot be reached, or refuses.
    """

    def work(store: Store) -> Run:
        run = _of_version(store, model) if model else _of_candidate(store, pipeline, version, data)
        tags = {name: value for name, value in run.data.tags.items() if name.startswith(KEPT)}
        ended = run.info.end_time
        return Run(
            run_id=run.info.run_id,
            candidate=tags.get(CANDIDATE, run.info.run_name or ""),
            ended=dt.datetime.fromtimestamp(ended / 1000, dt.UTC) if ended else None,
            params=dict(sorted(run.data.params.items())),
            metrics=dict(sorted(run.data.metrics.items())),
            tags=dict(sorted(tags.items())),
            trained=_period(store, run),
        )

    return _asked(tracking, work)


def _asked(tracking: Tracking, work: Callable[[Store], Found]) -> Found:
    """Ask MLflow, but not one that would be made by asking."""
    file = sqlite_file(at_home(tracking).uri)
    if file is not None and not file.exists():
        raise NotHere(f"{file}: no such file, so no MLflow is here; `headrace sync` brings what DVC holds")
    return in_store(tracking, work)


def _version(store: Store, name: str, version: str, contents: Contents | None) -> Model:
    all_of_it = _versions(store, name)
    found = [each for each in all_of_it if Registered.of(each).digest.startswith(version)]
    if not found and contents is not None and contents.version == version:
        number = contents.lineage.registered.get("version")
        found = [each for each in all_of_it if str(each.version) == str(number)]
    if not found:
        where = without_secrets(store.tracking.uri)
        raise NotHere(f"no version of the model {name} at {where} has a {DIGEST} that begins with {version}")
    first = min(found, key=lambda each: int(each.version))
    named = store.client.get_registered_model(name).aliases
    return Model(
        name=name,
        version=int(first.version),
        digest=Registered.of(first).digest,
        aliases=sorted(alias for alias, number in named.items() if str(number) == str(first.version)),
        run_id=str(first.run_id),
    )


def _versions(store: Store, name: str) -> list[Any]:
    versions: list[Any] = []
    token = None
    while True:
        page = store.client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=token)
        versions += page
        token = page.token
        if not token:
            return versions


def _of_version(store: Store, model: Model) -> MlflowRun:
    from mlflow.exceptions import MlflowException

    try:
        return store.client.get_run(model.run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotHere(f"run {model.run_id} of version {model.version} is not in MLflow any more") from None
        raise


def _of_candidate(store: Store, pipeline: str, version: str, data: Path) -> MlflowRun:
    winner, evaluation = data / "winner", data / "evaluation" / "evaluation.json"
    if not evaluation.exists() or not winner.is_dir() or not digest(winner).startswith(version):
        raise NotHere(f"model {version} is not registered, and {winner} is not that model, so its run is not known")
    summary = read_json(evaluation)
    sha256 = summary["candidates"][summary["winner"]]["digest"]
    experiment = store.client.get_experiment_by_name(pipeline)
    chosen = f"tags.`{DIGEST}` = '{sha256}'"
    runs = store.client.search_runs([experiment.experiment_id], chosen) if experiment else []
    if not runs:
        raise NotHere(f"no run of the experiment {pipeline} has the {DIGEST} {sha256}")
    return runs[0]


def _period(store: Store, run: MlflowRun) -> Period | None:
    """Read the training period from the manifest in a run; None where its artifacts are not reachable."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    uri = store.tracking.uri
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = f"{MODEL}/{MANIFEST}"
            file = download_artifacts(run_id=run.info.run_id, artifact_path=path, dst_path=folder, tracking_uri=uri)
            trained = read_json(Path(file))["periods"]["train"]
        except (MlflowException, OSError, KeyError):
            return None
    return Period(
        since=trained.get("from"), until=trained.get("until"), rows=trained["rows"], positives=trained.get("positives")
    )
