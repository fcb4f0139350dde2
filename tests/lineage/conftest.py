"""A small packaged pipeline in a git repository, with MLflow, live windows and a prediction log of its own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from packaged_pipeline import CARDS, card_rows, write_validated, write_winner

from headrace.declaration.modelling import Model, Tracking
from headrace.lineage import Place, Trace, trace
from headrace.live import open_windows
from headrace.packaging.contents import write_contents
from headrace.prediction_log import Entry, Key, PredictionLog, open_store
from headrace.registry.opening import ENVIRONMENT, in_store
from headrace.registry.provenance import provenance
from headrace.registry.runs import CANDIDATE, DIGEST
from headrace.registry.versions import add, admit
from headrace.service import read_contents
from headrace.service.warming import warm
from headrace.storage import digest, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.registry.opening import Store
    from headrace.service.contents import Contents

for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

KEYS = (Key("one", b"k" * 32),)
PARTS = {f"2024-03-{day:02}": {"rows": 40, "sha256": f"{day:064x}"} for day in range(1, 13)}


@dataclass(frozen=True)
class Desk:
    """Where answers are given, and traced."""

    root: Path

    @property
    def contents(self) -> Contents:
        """The package."""
        return read_contents(self.root / "data/cards/package/model")

    @property
    def windows(self) -> str:
        """The URL of the live windows."""
        return f"lmdb:///{self.root}/windows.lmdb"

    @property
    def tracking(self) -> Tracking:
        """MLflow."""
        return Tracking(uri=f"sqlite:///{self.root}/mlflow.db", artifacts=f"{self.root}/mlruns")

    def answer(self, row: dict[str, Any], request_id: str, **changes: Any) -> dict[str, Any]:
        """Answer as the service does: windows, then the log; return the features."""
        contents = self.contents
        asked = {column: row.get(column) for column in contents.request}
        with contextlib.closing(open_windows(self.windows, contents)) as live:
            warm(self.root / "data/cards/package/model", contents, live)
            features = dict(zip(live.names, live.ask(asked, request_id), strict=True))
        told: dict[str, Any] = {
            "time": dt.datetime.now(dt.UTC),
            "subject": row["card"],
            "instance": asked,
            "features": features,
            "prediction": 1,
            "score": 0.75,
            "decision": "block",
            "rule": "large",
            "variant": "champion",
            "model_version": contents.version,
        }
        entry = Entry(request_id=request_id, **{**told, **changes})

        async def append() -> None:
            with contextlib.closing(PredictionLog(self.log, KEYS, "cards")) as log:
                assert await log.append(entry) is None

        asyncio.run(append())
        return features

    @property
    def log(self) -> str:
        """The URL of the prediction log."""
        return f"sqlite:///{self.root}/predictions.db"

    def tell(self, request_id: str, label: Any, at: dt.datetime) -> None:
        """Tell what became of an answer."""
        with contextlib.closing(open_store(self.log, KEYS, "cards")) as store:
            store.record_outcomes([(request_id, label)], at)

    def trace(self, request_id: str) -> Trace:
        """Trace an answer."""
        place = Place(pipeline="cards", root=self.root, tracking=self.tracking, windows=self.windows)
        with contextlib.closing(open_store(self.log, KEYS, "cards")) as store:
            return trace(store.find(request_id), place)


@pytest.fixture(scope="session")
def traced_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder with a packaged and registered pipeline; nobody writes there."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    root = shared / "lineage" / "root"
    with FileLock(shared / "lineage.lock"):
        if not (shared / "lineage" / "done").exists():
            shutil.rmtree(root, ignore_errors=True)
            _make(root)
            (shared / "lineage" / "done").touch()
    return root


def _make(root: Path) -> None:
    data = root / "data/cards"
    write_validated(data / "validated", CARDS, card_rows())
    small = {"n_estimators": 5, "num_leaves": 7, "min_child_samples": 5}
    write_winner(data, CARDS, Model(_target_="lightgbm.LGBMClassifier", params=small))
    (data / "package").mkdir()
    write_contents(data, CARDS, data / "package/model")
    write_json(data / "ingest.json", {"parts": PARTS, "source": "0" * 64})
    (root / "params.yaml").write_text("pipelines: {cards: {}}\n")
    for command in (
        ("init", "-q"),
        ("add", "params.yaml"),
        ("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "Cards, at first"),
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    desk = Desk(root)
    in_store(desk.tracking, lambda store: _register(store, root, data))


def _register(store: Store, root: Path, data: Path) -> None:
    """Write the winner's run and version, after those of another winner."""
    experiment = store.client.create_experiment("cards", artifact_location=str(root / "mlruns/cards"))
    tags = {DIGEST: "c" * 64, CANDIDATE: "cards-first", **provenance(root, data, "cards-first")}
    run = store.client.create_run(experiment, run_name="cards-first", tags=tags).info.run_id
    store.client.log_param(run, "num_leaves", 7)
    store.client.log_metric(run, "test.roc_auc", 0.9)
    store.client.log_artifact(run, str(data / "winner/manifest.json"), "model")
    store.client.set_terminated(run)
    store.client.create_registered_model("cards")
    other = store.client.create_run(experiment, run_name="other").info.run_id
    store.client.create_model_version("cards", f"runs:/{other}/model", other, tags={DIGEST: "d" * 64})
    admit(store, add(store, "cards", data / "winner", run), "champion")
    latest = store.client.create_run(experiment, run_name="latest").info.run_id
    store.client.create_model_version("cards", f"runs:/{latest}/model", latest, tags={DIGEST: "e" * 64})
    assert digest(data / "winner") not in {"d" * 64, "e" * 64}


@pytest.fixture
def desk(traced_project: Path, tmp_path: Path) -> Desk:
    """Return a copy of the pipeline to change at will, with empty windows and an empty log."""
    shutil.copytree(traced_project, tmp_path / "root")
    return Desk(tmp_path / "root")
