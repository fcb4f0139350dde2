"""A judged pipeline, and an MLflow of its own for each test."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judged_pipeline import Case, judge, make_timed

from headrace.declaration.modelling import Objective, Registration, Tracking
from headrace.declaration.pipeline import RegisterConfig
from headrace.registry import register, sync
from headrace.registry.opening import ENVIRONMENT

if TYPE_CHECKING:
    from typing import Any

for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

import mlflow  # noqa: E402  it reads these when it is imported


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder with a judged pipeline and an MLflow."""

    root: Path
    case: Case
    tracking: Tracking

    @property
    def data(self) -> Path:
        """The pipeline's data folder."""
        return self.case.data

    @property
    def client(self) -> Any:
        """A client of MLflow's own."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.tracking.uri, registry_uri=self.tracking.uri)

    def judge(self, *candidates: str, **changes: Any) -> None:
        """Evaluate some of the candidates, as if params.yaml had no others."""
        models = {name: self.case.models[name] for name in candidates}
        evaluation = dataclasses.replace(self.case.config.evaluation, **changes)
        config = dataclasses.replace(self.case.config, evaluation=evaluation)
        judge(dataclasses.replace(self.case, models=models, config=config))

    def register(self, **registration: Any) -> dict[str, Any]:
        """Run what the register stage runs."""
        config = RegisterConfig(
            pipeline="cards",
            seed=0,
            evaluation=Objective(metric=self.case.config.evaluation.metric),
            registration=Registration(**{"resamples": 200, **registration}),
            tracking=self.tracking,
        )
        return register(self.data, config, self.root)

    def sync(self) -> list[str]:
        """Run what `headrace sync` runs."""
        return sync("cards", self.data, self.tracking, self.root)

    def download(self, uri: str) -> Path:
        """Return what MLflow's own download gives for a URI; it asks the tracking URI that is set for all."""
        mlflow.set_tracking_uri(self.tracking.uri)
        try:
            return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(self.root / "downloaded")))
        finally:
            mlflow.set_tracking_uri(None)

    def runs(self, status: str = "FINISHED") -> list[Any]:
        """Return the runs that are not deleted."""
        experiment = self.client.get_experiment_by_name("cards")
        found = self.client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if run.info.status == status]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return a case whose candidates `good` and `weak` are trained, and `good` judged alone; nobody changes it."""
    case = make_timed(tmp_path_factory.mktemp("trained"))
    judge(dataclasses.replace(case, models={"good": case.models["good"]}))
    return case


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """Return MLflow's SQLite file before its first run: making one takes seconds."""
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{file}", registry_uri=f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def place(trained, empty_mlflow, tmp_path):
    """Return a judged pipeline to change at will, and an empty MLflow."""
    shutil.copytree(trained.data, tmp_path / "data" / "cards")
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    return place_at(tmp_path, trained)


@pytest.fixture
def other_machine(place, empty_mlflow, tmp_path_factory):
    """Return a function that copies what DVC holds to a folder with an empty MLflow."""

    def copy():
        root = tmp_path_factory.mktemp("machine")
        shutil.copytree(place.root / "data", root / "data")
        shutil.copyfile(empty_mlflow, root / "mlflow.db")
        return place_at(root, place.case)

    return copy


def place_at(root: Path, case: Case) -> Place:
    """Return a folder's pipeline and its MLflow."""
    tracking = Tracking(uri=f"sqlite:///{root / 'mlflow.db'}", artifacts=str(root / "mlruns"))
    return Place(root, dataclasses.replace(case, data=root / "data" / "cards"), tracking)
