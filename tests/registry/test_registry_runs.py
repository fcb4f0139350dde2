"""MLflow is filled from what DVC holds, and nothing is written twice."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.declaration.modelling import Tracking
from headrace.errors import DataError
from headrace.models import read_manifest
from headrace.storage import digest, read_json

PICKLES = {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"}


def test_a_run_tells_all_of_its_candidate(place):
    """Parameters, metrics, figures, importance, the model's files, and where it comes from."""
    subprocess.run(["git", "init", "-q", str(place.root)], check=True)
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(place.root), *identity, "commit", "-q", "--allow-empty", "-m", "1"], check=True)
    commit = subprocess.run(
        ["git", "-C", str(place.root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (place.root / "dvc.lock").write_text(
        "stages:\n  train@good:\n    deps:\n    - {path: data/cards/features, hash: md5, md5: abc.dir}\n"
        "    - {path: headrace/models, hash: md5, md5: xyz.dir}\n"
        "    outs:\n    - {path: data/cards/candidates/good, hash: md5, md5: def.dir}\n"
    )
    place.register()
    run = next(run for run in place.runs() if run.data.tags["headrace.candidate"] == "good")
    folder = place.data / "candidates" / "good"
    judged = read_json(place.data / "evaluation" / "evaluation.json")["candidates"]["good"]
    assert run.data.tags["headrace.digest"] == digest(folder)
    assert run.data.tags["headrace.evaluation"] == digest(place.data / "evaluation")
    assert run.data.tags["headrace.features"] == digest(place.data / "features")
    assert run.data.tags["mlflow.source.git.commit"] == commit
    assert run.data.tags["dvc.data/cards/features"] == "abc.dir"
    assert run.data.tags["dvc.data/cards/candidates/good"] == "def.dir"
    assert not any("headrace/models" in tag for tag in run.data.tags)
    manifest = read_manifest(folder)
    assert {key: run.data.params[key] for key in manifest["params"]} == {
        k: str(v) for k, v in manifest["params"].items()
    }
    assert run.data.metrics["test.average_precision"] == judged["test"]["average_precision"]
    assert run.data.metrics["validation.roc_auc"] == judged["validation"]["roc_auc"]
    assert run.data.metrics["threshold"] == judged["threshold"]
    local = Path(run.info.artifact_uri)
    kept = {file.name: digest(file) for file in (local / "model").iterdir()}
    assert kept == {name: digest(folder / name) for name in ("manifest.json", *manifest["files"])}
    assert json.loads((local / "importance.json").read_text()) == manifest["importance"]
    figures = {file.name for file in (local / "plots").iterdir()}
    assert {"roc.png", "precision_recall.png", "calibration.png", "confusion.png", "importance.png"} <= figures


def test_nothing_is_written_twice(place):
    """A second registration and a second sync find one finished run for each candidate."""
    place.judge("good", "weak")
    place.register()
    assert place.sync() == []
    place.register()
    assert sorted(run.data.tags["headrace.candidate"] for run in place.runs()) == ["good", "weak"]
    assert len(place.client.search_model_versions("name = 'cards'")) == 1


def test_another_machine_gets_all_by_sync(place, other_machine):
    """From what DVC holds: the runs, the version, its alias; a second time nothing is missing."""
    place.judge("good", "weak")
    place.register()
    other = other_machine()
    assert other.sync() == [
        "the run of good is in MLflow",
        "the run of weak is in MLflow",
        "the model cards v1 is registered",
        "the model cards v1 is champion",
    ]
    assert other.sync() == []
    version = other.client.get_model_version_by_alias("cards", "champion")
    assert version.tags["headrace.digest"] == digest(other.data / "winner")
    assert other.register()["decision"] == "champion"


def test_a_sync_does_not_say_who_serves_by_now(place):
    """An alias that moved since stays where it is."""
    place.register()
    place.client.delete_registered_model_alias("cards", "champion")
    assert place.sync() == []
    assert not place.client.get_registered_model("cards").aliases


def test_two_processes_at_once_do_not_double(place, other_machine):
    """The second waits for the first and finds nothing to do, though a third was killed as it made MLflow's file."""
    place.register()
    other = other_machine()
    (other.root / "mlflow.db").unlink()
    (other.root / ".mlflow.db.writing").mkdir()
    (other.root / ".mlflow.db.writing" / "mlflow.db").write_bytes(b"SQLite format 3")
    code = (
        "import sys; from pathlib import Path; from headrace.registry import sync; "
        "from headrace.declaration.modelling import Tracking; "
        "print(*sync('cards', Path('data/cards'), Tracking(uri='sqlite:///mlflow.db', artifacts='mlruns')), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=other.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in started]
    assert sorted(len(out.split("\n")) for out, _ in said) == [2, 4], said
    assert {errors for _, errors in said} == {""}
    assert len(other.runs()) == 1
    assert len(other.client.search_model_versions("name = 'cards'")) == 1


def test_a_half_written_run_is_written_anew(place):
    """A process was killed: its run is still RUNNING, and gives way to a whole one."""
    experiment = place.client.create_experiment("cards", artifact_location=str(place.root / "mlruns" / "cards"))
    tags = {"headrace.digest": digest(place.data / "candidates" / "good")}
    half = place.client.create_run(experiment, tags=tags)
    place.register()
    assert len(place.runs()) == 1
    assert place.runs("RUNNING") == []
    assert half.info.run_id not in {run.info.run_id for run in place.runs()}


def test_a_new_evaluation_gives_the_same_run_new_metrics(place):
    """The threshold follows a new budget; the model is the same, and so is its run."""
    place.register()
    before = {run.info.run_id: run.data.metrics for run in place.runs()}
    place.judge("good", false_positive_budget=0.2)
    place.register()
    after = {run.info.run_id: run.data.metrics for run in place.runs()}
    assert before.keys() == after.keys()
    for run, metrics in after.items():
        assert metrics["threshold"] < before[run]["threshold"]
        assert metrics["test.roc_auc"] == before[run]["test.roc_auc"]


def test_a_candidate_that_was_not_judged_is_refused(place):
    """A run has the metrics of just the files that it keeps."""
    with (place.data / "candidates" / "good" / "manifest.json").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match=r"candidates/good: its digest is .*, evaluation.json judged"):
        place.register()


def test_no_artifact_is_a_pickle(place):
    """What MLflow keeps can be opened without running anything."""
    place.register()
    files = [file for file in (place.root / "mlruns").rglob("*") if file.is_file()]
    assert files
    assert not {file.suffix for file in files} & PICKLES
    assert not [file for file in files if file.read_bytes()[:1] == b"\x80"]


def test_a_copied_project_has_artifacts_of_its_own(place, tmp_path_factory):
    """MLflow notes absolute paths; a copy neither reads from nor writes to where it came from."""
    place.register()
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(place.root, copy)
    shutil.rmtree(place.root)
    tracking = Tracking(uri=f"sqlite:///{copy / 'mlflow.db'}", artifacts=str(copy / "mlruns"))
    case = dataclasses.replace(place.case, data=copy / "data" / "cards")
    moved = dataclasses.replace(place, root=copy, case=case, tracking=tracking)
    assert moved.sync() == []
    for run in moved.runs():
        assert Path(run.info.artifact_uri).is_relative_to(copy)
    assert digest(moved.download("models:/cards@champion")) == digest(moved.data / "winner")
    assert not place.root.exists()


def test_a_queued_experiment_meets_the_project_s_own_mlflow(place, monkeypatch, tmp_path_factory):
    """DVC runs it in a copy that it throws away, and names the project in DVC_ROOT."""
    place.register()
    monkeypatch.setenv("DVC_ROOT", str(place.root))
    monkeypatch.chdir(tmp_path_factory.mktemp("thrown-away"))
    queued = dataclasses.replace(place, tracking=Tracking(uri="sqlite:///mlflow.db", artifacts="mlruns"))
    assert queued.sync() == []
    assert queued.register()["decision"] == "champion"
    assert not list(Path().iterdir())
