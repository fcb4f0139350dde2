"""The workflows that users copy: right by actionlint, and each of their commands does what it is there for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from workflow_runner import ROOT, WORKFLOWS, GitHub, shell_steps

if TYPE_CHECKING:
    from small_project import Project

FILES = sorted(WORKFLOWS.glob("*.yml"))
BUDGET = ("pipelines/churn/pipeline.yaml", "false_positive_budget: 0.1", "false_positive_budget: 0.05")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actionlint_finds_nothing(file: Path) -> None:
    """Neither in the workflow nor, by ShellCheck, in its shell steps."""
    done = subprocess.run(["actionlint", file], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_asks_for_little_and_ends(file: Path) -> None:
    """No right by default, time limits, runs that do not meet, actions by their version, steps with names."""
    declared = yaml.safe_load(file.read_text())
    assert declared["permissions"] == {}
    assert declared["concurrency"]["group"]
    for job in declared["jobs"].values():
        assert job["timeout-minutes"] <= 240
        assert all("@v" in step["uses"] for step in job["steps"] if "uses" in step)
        assert all(step["name"] for step in shell_steps(job))


def test_the_job_that_may_write_runs_nothing_of_the_pull_request() -> None:
    """It checks nothing out; the jobs that do may only read, and leave no token behind."""
    jobs = yaml.safe_load((WORKFLOWS / "pull-request.yml").read_text())["jobs"]
    for job in jobs.values():
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        if "write" in job["permissions"].values():
            assert checkouts == []
        else:
            assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.fixture
def github(project: Project, tmp_path: Path) -> GitHub:
    """Return a server with the small project, its data in a DVC remote, and a pull request that changes one value."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in tracked:
        if (
            name
            and "/" not in name
            and not (project.root / name).exists()
            and not name.startswith(".")
            and name != "dvc.lock"
        ):
            shutil.copyfile(ROOT / name, project.root / name)
    (project.root / ".gitignore").open("a").write(".venv\n")
    (project.root / "tests").mkdir()
    (project.root / "tests" / "test_one.py").write_text(
        '"""A test."""\n\n\ndef test_one() -> None:\n    """Holds."""\n'
    )
    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "remote"))
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "remote")
    project.run("git", "branch", "-M", "main")
    project.dvc("push")
    server = GitHub(tmp_path / "github", project.env)
    project.run("git", "switch", "-qc", "budget")
    project.edit(*BUDGET)
    project.run("git", "commit", "-qam", "half the false positives")
    project.run("git", "clone", "-q", "--bare", ".", str(server.repository))
    return server


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_step_does_its_work_from_pull_request_to_main(github: GitHub) -> None:
    """A changed value is checked, run, compared and commented on; merged, its results are registered, shared, committed."""
    github.run("pull-request.yml", "code", github.clone("code", "budget"))

    models = github.clone("models", "budget")
    printed = github.run("pull-request.yml", "models", models)
    ran = printed["Run what the change makes necessary"]
    assert "Running stage 'evaluate@churn'" in ran
    assert "Running stage 'train@" not in ran
    assert "Running stage 'evaluate@fraud'" not in ran
    assert "champion v1 with another threshold" in ran
    assert "pull request changes" in (models.parent / "GITHUB_STEP_SUMMARY").read_text()

    for _ in range(2):  # the second push changes the comment
        comment = github.home / "comment" / "work"
        shutil.rmtree(comment.parent, ignore_errors=True)
        shutil.copytree(models / "review", comment / "review")
        github.run("pull-request.yml", "comment", comment)
    body = _only(github.comments)
    plots = _git(github.repository, "rev-parse", "refs/headrace/plots/7")
    assert "| evaluation.false_positive_budget | 0.1 " in body
    assert "winner.threshold" in body.partition("All metrics")[0]
    assert "- churn: " in body
    assert "`dvc.lock` as committed is of other declarations" in body
    assert f"({github.environment['GITHUB_SERVER_URL']}/shop/churn/raw/{plots}/churn-precision_recall.png)" in body
    assert "churn-calibration.png" in _git(github.repository, "ls-tree", "--name-only", plots)
    assert "fraud-" not in body
    told = (github.home / "told").read_text()
    assert (told.count("pr comment 7"), told.count("--method PATCH")) == (1, 1)

    _git(github.repository, "update-ref", "refs/heads/main", "refs/heads/budget")  # the merge
    printed = github.run("main.yml", "publish", github.clone("main", "main"))
    assert "Running stage 'evaluate@churn'" in printed["Run what the merge made necessary"]
    assert "churn:" in printed["Register and build"]
    colleague = github.clone("colleague", "main")
    assert "Results of" in _git(colleague, "log", "-1", "--format=%s")
    assert json.loads((colleague / "data" / "churn" / "registration.json").read_text())["version"] == 2
    dvc = [github.home / "venv" / "bin" / "python", "-m", "dvc"]
    subprocess.run([*dvc, "pull", "-q"], cwd=colleague, env=github.environment, check=True)
    status = subprocess.run(
        [*dvc, "status"], cwd=colleague, env=github.environment, capture_output=True, text=True, check=True
    )
    assert "up to date" in status.stdout


def _only(found: list[str]) -> str:
    assert len(found) == 1
    return found[0]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
