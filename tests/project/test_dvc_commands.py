"""What a data scientist types does what DVC's documentation says."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from small_project import Project

pytestmark = pytest.mark.slow

LEAVES = "conf/model/lightgbm.yaml:params.num_leaves"


def leaves_of(project: Project, candidate: str) -> int:
    """Return the number of leaves that a candidate was trained with."""
    manifest = project.root / "data" / "fraud" / "candidates" / candidate / "manifest.json"
    return int(json.loads(manifest.read_text())["params"]["num_leaves"])


def test_nothing_changed_runs_nothing(project: Project) -> None:
    """A second `dvc repro` finds all up to date, and leaves git clean."""
    done = project.dvc("repro")
    assert project.ran(done.stdout) == []
    assert "up to date" in project.dvc("status").stdout
    assert project.run("git", "status", "--short").stdout == ""


def test_exp_run_with_a_parameter_trains_with_it(project: Project) -> None:
    """`dvc exp run -S` changes the config file, and only what depends on it runs."""
    done = project.dvc("exp", "run", "-S", f"{LEAVES}=63")
    ran = project.ran(done.stdout)
    assert "train@fraud-lightgbm" in ran
    assert "train@fraud-xgboost" not in ran
    assert "ingest@fraud" not in ran
    assert leaves_of(project, "fraud-lightgbm") == 63
    assert "num_leaves: 63" in (project.root / "conf" / "model" / "lightgbm.yaml").read_text()
    assert "63" in project.dvc("params", "diff").stdout
    assert "fraud-lightgbm" in project.dvc("metrics", "diff", "--all").stdout
    assert "up to date" in project.dvc("status").stdout


def test_a_queued_sweep_runs_every_choice(project: Project) -> None:
    """`dvc exp run --queue -S '…=choice(15,63)'` and `dvc queue start` make two experiments."""
    project.dvc("exp", "run", "--queue", "-S", f"{LEAVES}=choice(15,63)")
    project.dvc("queue", "start", "--jobs", "2")
    until = time.monotonic() + 250
    while time.monotonic() < until:
        status = project.dvc("queue", "status").stdout
        if "Queued" not in status and "Running" not in status:
            break
        time.sleep(2)
    assert status.count("Success") == 2, status
    shown = project.dvc("exp", "show", "--json").stdout
    assert '"num_leaves": 15' in shown
    assert '"num_leaves": 63' in shown


def test_a_model_is_swapped_by_a_parameter(project: Project) -> None:
    """`-S candidates.<name>.model=…` trains the candidate with the other model."""
    done = project.dvc("exp", "run", "-S", "candidates.fraud-lightgbm.model=decision_tree")
    assert "train@fraud-lightgbm" in project.ran(done.stdout)
    manifest = project.root / "data" / "fraud" / "candidates" / "fraud-lightgbm" / "manifest.json"
    assert json.loads(manifest.read_text())["model"] == "sklearn.tree.DecisionTreeClassifier"


def test_candidates_can_be_removed_added_and_renamed(project: Project) -> None:
    """The table of competing models has just those of params.yaml; what stays is not trained again."""
    params = project.root / "params.yaml"
    content = yaml.safe_load(params.read_text())
    candidates = content["candidates"]
    del candidates["fraud-xgboost"]
    candidates["fraud-gbm"] = candidates.pop("fraud-lightgbm")
    candidates["fraud-tree"] = {"pipeline": "fraud", "model": "decision_tree"}
    params.write_text(yaml.safe_dump(content))
    ran = project.ran(project.dvc("repro").stdout)
    assert {name for name in ran if name.startswith("train@")} == {"train@fraud-gbm", "train@fraud-tree"}
    assert not {name for name in ran if name.endswith("@churn")} - {"check@churn"}
    evaluation = json.loads((project.root / "data" / "fraud" / "evaluation" / "evaluation.json").read_text())
    assert sorted(evaluation["candidates"]) == ["fraud-gbm", "fraud-logistic", "fraud-tree"]
    assert "up to date" in project.dvc("status").stdout


def test_a_pipeline_can_be_removed_and_come_back(project: Project) -> None:
    """Without it nothing of it is checked or run; with it again nothing has to be computed anew."""
    params = project.root / "params.yaml"
    before = params.read_text()
    content = yaml.safe_load(before)
    del content["pipelines"]["churn"]
    content["candidates"] = {n: c for n, c in content["candidates"].items() if c["pipeline"] != "churn"}
    params.write_text(yaml.safe_dump(content))
    assert set(project.ran(project.dvc("repro").stdout)) <= {"check@fraud"}
    params.write_text(before)
    assert set(project.ran(project.dvc("repro").stdout)) <= {"check@fraud", "check@churn"}


def test_a_later_day_fetches_the_new_days_alone(project: Project) -> None:
    """`until` moves a day: earlier days of every table keep their bytes, and the later stages run."""
    raw = project.root / "data" / "fraud" / "raw"
    before = {file.name: file.read_bytes() for file in raw.iterdir()}
    done = project.dvc("exp", "run", "-S", "pipelines.fraud.until=2018-06-11")
    after = {file.name: file.read_bytes() for file in raw.iterdir()}
    assert sorted(after.keys() - before.keys()) == ["2018-06-10.parquet"]
    assert {name: after[name] for name in before} == before
    assert "1 new day" in done.stdout
    assert "train@fraud-xgboost" in project.ran(done.stdout)


def test_a_new_version_of_a_library_reruns_what_uses_it(project: Project) -> None:
    """LightGBM's version makes its candidates stale; that of a library which no stage names makes nothing stale."""
    file = project.root / "environment.yaml"
    content = yaml.safe_load(file.read_text())
    content["models"]["lightgbm"]["lightgbm"] = "lightgbm 99.0"
    file.write_text(yaml.safe_dump(content))
    named = set(json.loads(project.dvc("status", "--json").stdout))
    assert named == {"train@fraud-lightgbm", "train@churn-lightgbm"}
    content = yaml.safe_load(file.read_text())
    content["models"]["lightgbm"]["lightgbm"] = content["libraries"]["lightgbm"]
    content["libraries"]["typer"] = "typer 99.0"
    file.write_text(yaml.safe_dump(content))
    assert set(json.loads(project.dvc("status", "--json").stdout)) <= {"check@fraud", "check@churn"}


def test_a_result_is_never_recorded_under_a_wrong_version(project: Project) -> None:
    """A stage that would run with another version than environment.yaml says does not run."""
    file = project.root / "environment.yaml"
    content = yaml.safe_load(file.read_text())
    installed = content["libraries"]["duckdb"]
    content["libraries"]["duckdb"] = "duckdb 0.0.1"
    file.write_text(yaml.safe_dump(content))
    done = project.dvc("repro", check=False)
    assert done.returncode != 0
    assert f"libraries.duckdb: says duckdb 0.0.1, installed is {installed}" in done.stderr


def test_metrics_and_plots_are_dvcs_own(project: Project) -> None:
    """`dvc metrics show` and `dvc plots show` know both pipelines."""
    shown = json.loads(project.dvc("metrics", "show", "--json").stdout)
    assert any("data/fraud/metrics.json" in name for name in shown[""]["data"])
    page = project.dvc("plots", "show").stdout.strip()
    assert page.endswith("index.html")


def test_another_machine_gets_all_by_pull_and_sync(project: Project, tmp_path: Path) -> None:
    """`dvc push`, clone, `dvc pull`: nothing has to run, and `headrace sync` fills MLflow and the Bento store."""
    remote = tmp_path / "remote"
    project.dvc("remote", "add", "--default", "storage", str(remote))
    project.run("git", "commit", "-qam", "remote")
    project.dvc("push")
    other = type(project)(tmp_path / "other", tmp_path / "elsewhere")
    project.run("git", "clone", "-q", str(project.root), str(other.root))
    other.dvc("pull")
    assert other.ran(other.dvc("repro").stdout) == []
    first = other.run("python", "-m", "headrace", "sync").stdout
    assert "fraud" in first
    again = other.run("python", "-m", "headrace", "sync").stdout
    assert again.strip() == "" or "nothing" in again
