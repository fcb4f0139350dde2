"""MLflow is filled from what DVC holds, and nothing is written twice."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts

from headrace.errors import DataError
from headrace.models import read_manifest
from headrace.registry import sync
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
    assert digest(local / "model") == digest(folder)
    assert json.loads((local / "importance.json").read_text()) == manifest["importance"]
    figures = {file.name for file in (local / "plots").iterdir()}
    assert {"roc.png", "precision_recall.png", "calibration.png", "confusion.png", "importance.png"} <= figures


def test_nothing_is_written_twice(place):
    """A second registration and a second sync find one finished run for each candidate."""
    place.register()
    assert sync("cards", place.data, place.tracking, place.root) == []
    place.register()
    assert sorted(run.data.tags["headrace.candidate"] for run in place.runs()) == ["good", "weak"]
    assert len(place.client.search_model_versions("name = 'cards'")) == 1


def test_two_syncs_at_once_do_not_double(place):
    """The second waits for the first, and finds nothing to do."""
    place.register()
    registered = read_json(place.data / "registration.json")
    (place.root / "mlflow.db").unlink()
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(sync, "cards", place.data, place.tracking, place.root) for _ in range(2)]
        lines = [each.result() for each in asked]
    assert sorted(map(len, lines)) == [0, 4]
    assert len(place.runs()) == 2
    assert place.client.get_model_version_by_alias("cards", "champion").version == registered["version"]


def test_what_was_lost_comes_back(place):
    """Without its file, MLflow is filled again: runs, the version, its alias."""
    place.register()
    (place.root / "mlflow.db").unlink()
    shutil.rmtree(place.root / "mlruns")
    assert sync("cards", place.data, place.tracking, place.root) == [
        "cards: run of good written",
        "cards: run of weak written",
        "cards: v1 registered",
        "cards: v1 is champion",
    ]
    version = place.client.get_model_version_by_alias("cards", "champion")
    assert version.tags["headrace.digest"] == digest(place.data / "winner")


def test_a_half_written_run_is_written_anew(place):
    """A process was killed: its run is still RUNNING, and gives way to a whole one."""
    experiment = place.client.create_experiment("cards", artifact_location=str(place.root / "mlruns" / "cards"))
    tags = {"headrace.digest": digest(place.data / "candidates" / "good")}
    half = place.client.create_run(experiment, tags=tags)
    place.register()
    assert len(place.runs()) == 2
    assert place.runs("RUNNING") == []
    assert half.info.run_id not in {run.info.run_id for run in place.runs()}


def test_a_new_evaluation_gives_the_same_run_new_metrics(place):
    """The threshold follows a new budget; the model is the same, and so is its run."""
    place.register()
    before = {run.info.run_id: run.data.metrics for run in place.runs()}
    place.judge("good", "weak", false_positive_budget=0.2)
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
    tracking = type(place.tracking)(uri=f"sqlite:///{copy / 'mlflow.db'}", artifacts=str(copy / "mlruns"))
    assert sync("cards", copy / "data" / "cards", tracking, copy) == []
    brought = download_artifacts("models:/cards@champion", tracking_uri=tracking.uri, registry_uri=tracking.uri)
    assert digest(Path(brought)) == digest(copy / "data" / "cards" / "winner")
    assert Path(brought).is_relative_to(copy)
    assert not place.root.exists()
