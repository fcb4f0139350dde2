"""A judged pipeline, and an MLflow of its own for each test."""

from __future__ import annotations

import dataclasses
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from judged_pipeline import Case, judge, make_timed

from headrace.declaration.modelling import Objective, Registration, Tracking
from headrace.declaration.pipeline import RegisterConfig
from headrace.registry import register
from headrace.registry.opening import ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)


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

    def runs(self, status: str = "FINISHED") -> list[Any]:
        """Return the runs that are not deleted."""
        experiment = self.client.get_experiment_by_name("cards")
        found = self.client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if run.info.status == status]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return a case whose candidates `good` and `weak` are trained and judged; nobody changes it."""
    return judge(make_timed(tmp_path_factory.mktemp("trained")))


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
    case = dataclasses.replace(trained, data=tmp_path / "data" / "cards")
    tracking = Tracking(uri=f"sqlite:///{tmp_path / 'mlflow.db'}", artifacts=str(tmp_path / "mlruns"))
    return Place(tmp_path, case, tracking)
