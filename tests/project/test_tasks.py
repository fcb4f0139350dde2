"""Targets of three classes and of numbers, from a table to a served answer, by the commands that a user types."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaged_pipeline import serving, start
from small_project import Project, copy_repository
from tables import add, diabetes, wine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaged_pipeline import Server

pytestmark = pytest.mark.slow
TABLES = {"wine": wine(), "diabetes": diabetes()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run a project of two small real tables."""
    home = tmp_path_factory.mktemp("tasks")
    project = Project(home / "project", home)
    copy_repository(project.root)
    shutil.rmtree(project.root / "pipelines")
    (project.root / "params.yaml").write_text(yaml.safe_dump({"pipelines": {}, "candidates": {}}))
    for table in TABLES.values():
        add(project.root, table)
    project.run("git", "init", "-q")
    for name in TABLES:
        project.dvc("repro", f"register@{name}")
    project.dvc("repro")
    return project


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[dict[str, Server]]:
    """Serve both; each has a home of its own, where BentoML gathers what it counts."""
    servers = [
        start(project.root, project.root.parent / f"home-{name}", "--arg", f"pipeline={name}") for name in TABLES
    ]
    for ready in serving(*servers):
        yield dict(zip(TABLES, ready, strict=True))


def read(project: Project, name: str, file: str) -> dict[str, Any]:
    """Return what a stage wrote."""
    content: dict[str, Any] = json.loads((project.root / "data" / name / file).read_text())
    return content


def row(name: str, place: int = 0) -> dict[str, float]:
    """Return a row as a request has it."""
    table = TABLES[name]
    return {column: float(table.rows[column].iloc[place]) for column in table.features}


def test_winners_are_better_than_a_guess_and_registered(project: Project) -> None:
    """By the metric that each pipeline declares, without a threshold."""
    for name, (metric, holds) in {
        "wine": ("f1_macro", lambda f1: f1 > 0.9),
        "diabetes": ("r2", lambda r2: r2 > 0.3),
    }.items():
        winner = read(project, name, "metrics.json")["winner"]
        assert holds(winner[metric])
        assert "threshold" not in winner
        assert read(project, name, "registration.json")["decision"] == "first"
    shown = project.run("python", "-m", "headrace", "show").stdout
    assert "wine" in shown
    assert "diabetes" in shown


def test_dvc_draws_the_plots_of_each_task(project: Project) -> None:
    """As `pipelines/<name>/dvc.yaml` declares them."""
    drawn = json.loads(project.dvc("plots", "show", "--json").stdout)
    assert not drawn.get("errors")
    assert set(drawn["data"]) == {
        "wine, precision and recall", "wine, confusion", "diabetes, predicted and actual", "diabetes, error",
    }  # fmt: skip
    assert all(each["content"]["data"]["values"] for plots in drawn["data"].values() for each in plots)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wine", ["is right about", "Balanced accuracy", "Taken for it"]),
        ("diabetes", ["is off by", "Variance explained", "Their progression goes from"]),
    ],
)
def test_the_page_speaks_of_the_task(project: Project, name: str, words: list[str]) -> None:
    """In its own sentences, and of no threshold."""
    page = (project.root / "data" / name / "report.html").read_text()
    assert all(each in page for each in words)
    assert "the score from which a row is flagged" not in page


def test_a_class_is_served_with_the_probability_of_each(served: dict[str, Server]) -> None:
    """Its contributions add up to its score; asked again it answers the same; it decides by itself."""
    server, asked = served["wine"], {"instance": row("wine"), "explain": True, "request_id": "a"}
    status, answer = server.post("/predict", asked)
    assert status == 200
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["probability"] == max(answer["probabilities"].values())
    assert answer["probabilities"][str(answer["prediction"])] == answer["probability"]
    assert answer["decision"] == str(answer["prediction"])
    assert {each["feature"] for each in answer["contributions"]} == set(TABLES["wine"].features)
    again = server.post("/predict", asked)[1]
    assert {**again, "latency_ms": 0} == {**answer, "latency_ms": 0}
    batch = server.post("/predict_batch", {"instances": [row("wine"), row("wine", 100)]})[1]["predictions"]
    assert batch[0]["probabilities"] == pytest.approx(answer["probabilities"])
    assert [each["prediction"] for each in batch] == [0, 1]
    told = server.post("/outcomes", {"outcomes": [{"request_id": "a", "label": 0}]})[1]["results"]
    assert told[0]["result"] == "recorded"
    assert server.post("/outcomes", {"outcomes": [{"request_id": "a", "label": 7}]})[0] == 400


def test_a_number_is_served_without_a_probability(served: dict[str, Server]) -> None:
    """Its contributions add up to it, in its own unit."""
    server = served["diabetes"]
    status, answer = server.post("/predict", {"instance": row("diabetes"), "explain": True, "request_id": "a"})
    assert status == 200
    assert not {"probability", "probabilities"} & set(answer)
    assert answer["decision"] == "accept"
    total = answer["base_value"] + sum(each["contribution"] for each in answer["contributions"])
    assert total == pytest.approx(answer["prediction"], rel=1e-6)
    told = server.post("/outcomes", {"outcomes": [{"request_id": "a", "label": 151.5}]})[1]["results"]
    assert told[0]["result"] == "recorded"
    assert server.metric('headrace_score_bucket{le="+Inf",variant="champion"}') == 1
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in row("diabetes").items()
    ]
    [prediction, *_] = server.post("/v2/models/diabetes/infer", {"inputs": inputs})[1]["outputs"]
    assert prediction["datatype"] == "FP64"
    assert prediction["data"] == pytest.approx([answer["prediction"]])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pipelines/wine/pipeline.yaml", "metric: f1_macro", "metric: roc_auc", ["evaluation.metric", "multiclass", "roc_auc_ovr"]),
        ("pipelines/wine/pipeline.yaml", "metric: f1_macro", "metric: f1_macro\n  false_positive_budget: 0.1", ["evaluation.false_positive_budget", "task: binary"]),
        ("pipelines/wine/pipeline.yaml", "task: multiclass", "task: multiclass\n  positive: 1", ["target.positive", "task: binary"]),
        ("pipelines/wine/pipeline.yaml", "task: multiclass", "task: binary", ["target.positive", "missing"]),
        ("pipelines/wine/rules.yaml", "{}", "model: {'3': ship}", ["model.3: a multiclass target has no such key", "known are: 0, 1, 2"]),
        ("pipelines/diabetes/pipeline.yaml", "task: regression", "task: multiclass", ["target.task", "float"]),
        ("params.yaml", "model: ridge", "model: lightgbm", ["_target_", "target.task: regression takes a regressor", "lightgbm_regressor"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_task_is_refused(
    project: Project, file: str, old: str, new: str, said: list[str]
) -> None:
    """With file and key, and what would be right."""
    path = project.root / file
    before = path.read_text()
    project.edit(file, old, new)
    try:
        done = project.run("python", "-m", "headrace", "check", check=False)
    finally:
        path.write_text(before)
    assert done.returncode == 1
    assert all(each in " ".join((done.stdout + done.stderr).split()) for each in said), done.stdout + done.stderr
