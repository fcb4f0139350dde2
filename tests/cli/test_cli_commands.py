"""`headrace check`, `explain` and `show`, the help and the completion, as a person meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import Project, copy_repository
from typer.testing import CliRunner

from headrace.cli import app
from headrace.workspace import syntax_problem

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("check", "explain", "show", "lineage", "warm", "sync", "token", "log", "audit")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the repository's files as they are; no test changes them."""
    place = tmp_path_factory.mktemp("clean")
    copy_repository(place / "project")
    return started(place)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return the repository's files, to be changed."""
    copy_repository(tmp_path / "project")
    return started(tmp_path)


def started(place: Path) -> Project:
    """Return the project in a place, whose commands remember nothing of others."""
    project = Project(place / "project", place)
    project.env |= {"XDG_CACHE_HOME": str(place / "cache"), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return project


def headrace(project: Project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder."""
    return project.run(sys.executable, "-m", "headrace", *arguments, check=False, **environment)


def test_what_is_right_says_what_was_looked_at(clean: Project) -> None:
    """The second time nothing is computed, and the same is said."""
    done = headrace(clean, "check", COLUMNS="")
    assert done.returncode == 0, done.stderr
    assert "fraud  7 columns, 25 features, 3 rules; fraud-logistic, fraud-lightgbm, fraud-xgboost" in done.stdout
    assert "All is right: 2 pipelines with 5 candidates" in done.stdout
    again = headrace(clean, "check", COLUMNS="")
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_all_mistakes_in_all_files_are_said_with_their_lines(project: Project) -> None:
    """Keys, types, columns, SQL, model parameters and stray files, of both pipelines; the last line counts them."""
    project.edit("params.yaml", "model: xgboost}", "model: xgbost}")
    project.edit("pipelines/fraud/pipeline.yaml", "seed: 0", "sead: 0")
    project.edit("pipelines/fraud/pipeline.yaml", "folds: 2", "folds: two")
    project.edit("pipelines/fraud/features.yaml", "- 7d", "- 7x")
    project.edit("conf/model/lightgbm.yaml", "num_leaves:", "num_leafs:")
    project.edit("pipelines/churn/schema.yaml", "key: customerID", "key: customerId")
    (project.root / "pipelines/churn/feature.yaml").touch()
    done = headrace(project, "check", COLUMNS="")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    for said in (
        "params.yaml:9: candidates.fraud-xgboost.model: 'xgbost' is no file in conf/model/; did you mean xgboost?",
        "pipelines/fraud/pipeline.yaml:23: sead: unknown key; did you mean seed?",
        "pipelines/fraud/pipeline.yaml:18: split.time.folds: 'two' is no whole number; write one such as 10",
        "pipelines/fraud/features.yaml:13: windows.customer_id.spans: '7x' is no length of time",
        "conf/model/lightgbm.yaml:8: params.num_leafs: LGBMClassifier has no such parameter; did you mean num_leaf?",
        "pipelines/churn/schema.yaml:3: key: 'customerId' is none of the columns; did you mean customerID?",
        "pipelines/churn/feature.yaml: nothing reads it; did you mean features.yaml?",
    ):
        assert [line for line in lines if line.startswith(said)], f"{said}\n{done.stdout}"
    assert lines[-1] == "7 mistakes in 6 files."
    assert "Traceback" not in done.stderr


def test_values_of_another_shape_are_said_in_plain_words(project: Project) -> None:
    """A list, names or one value where another of the three has to stand, and a date that DVC does not take."""
    project.edit("params.yaml", 'until: "2018-08-15"', "until: 2018-08-15")
    project.edit("pipelines/fraud/pipeline.yaml", "seed: 0", "seed: [0]")
    project.edit("pipelines/churn/pipeline.yaml", "delay: 0s", "delay: 7")
    project.edit("pipelines/fraud/features.yaml", "spans: [90d]", "spans: 90d")
    project.edit("pipelines/fraud/pipeline.yaml", "  delay: 7d", "  task: classification\n  delay: 7d")
    project.edit("pipelines/fraud/serving.yaml", "windows:\n  url: null", "windows: here")
    said = headrace(project, "check", COLUMNS="").stdout
    for line in (
        "windows: found 'here'; it has to be keys and their values",
        "params.yaml:3: pipelines.fraud.until: put quotes around 2018-08-15: DVC takes no dates of YAML",
        "seed: found [0]; it has to be one value",
        "target.delay: '7' is no length of time; write a number and one of us, s, m, h, d, w, such as 7d",
        "windows.earlier.spans: found '90d'; it has to be a list, such as [a, b]",
        "target.task: 'classification' is none of binary, multiclass, regression",
    ):
        assert line in said, said
    project.edit("params.yaml", "until: 2018-08-15", "until: 2018-13-15")
    assert "put quotes around a date" in headrace(project, "check").stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [0\nb: 1\n", "2:2: not valid YAML: expected ',' or ']', but got ':' (it opens at 1:4); close the bracket"),
        (
            "a: 0\n\tb: 1\n",
            "2:1: not valid YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        ("a: 0\na: 1\n", "2:1: not valid YAML: found duplicate key a; keep one of the two"),
        ("a: b: c\n", "1:5: not valid YAML: mapping values are not allowed here; put quotes"),
        ("a: 'b\n", "2:1: not valid YAML: found unexpected end of stream; close the quotes"),
        ("a: 0\nb:1\nc: 2\n", "3:1: not valid YAML: could not find expected ':'; write `key: value`"),
        ("a: @b\n", "1:4: not valid YAML: found character '@' that cannot start any token; put quotes"),
        ("a: 0\nb: 1\n", ""),
    ],
)
def test_what_is_no_yaml_is_said_with_line_column_and_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    """In PyYAML's words, with a remedy; nothing of what is right."""
    file = tmp_path / "a.yaml"
    file.write_text(text)
    found = syntax_problem(file)
    assert found.startswith(f"{file}:{said}") if said else not found


def test_a_file_that_is_no_yaml_does_not_hide_what_is_wrong_in_others(project: Project) -> None:
    """Both are said, and counted."""
    project.edit("pipelines/fraud/pipeline.yaml", "seed: 0", "seed: [0")
    project.edit("pipelines/fraud/rules.yaml", "decisions:", "decisons:")
    done = headrace(project, "check", "fraud", COLUMNS="")
    assert done.returncode == 1
    assert done.stdout.startswith("pipelines/fraud/pipeline.yaml:25:11: not valid YAML: ")
    assert "pipelines/fraud/rules.yaml:2: decisons: unknown key; did you mean decisions?" in done.stdout
    assert done.stdout.endswith("2 mistakes in 2 files.\n"), done.stdout


def test_what_was_right_is_looked_at_again_once_its_file_changes(project: Project) -> None:
    """What is remembered holds for the bytes that were looked at, and no others."""
    assert headrace(project, "check", "churn").returncode == 0
    project.edit("pipelines/churn/pipeline.yaml", "folds: 5", "folds: 0")
    assert headrace(project, "check", "churn").returncode == 1
    project.edit("pipelines/churn/pipeline.yaml", "folds: 0", "folds: 5")
    assert headrace(project, "check", "churn").returncode == 0


def test_dvc_yaml_may_name_only_keys_that_are_there(project: Project) -> None:
    """DVC would stop at the first one that is missing."""
    project.edit("dvc.yaml", "            - target.delay\n", "            - target.delaay\n")
    project.edit("dvc.yaml", "model=${item.model}", "model=${item.modell}")
    done = headrace(project, "check", COLUMNS="")
    assert done.returncode == 1
    assert "dvc.yaml:" in done.stdout
    assert "${item.modell} is not in params.yaml" in done.stdout
    project.edit("dvc.yaml", "${item.modell}", "${item.model}")
    done = headrace(project, "check", COLUMNS="")
    assert "pipelines/fraud/pipeline.yaml:9: target.delaay: missing; dvc.yaml names it among" in done.stdout


def test_explain_says_where_each_value_was_written(clean: Project) -> None:
    """A pipeline's file, params.yaml, a group's file, a default."""
    lines = headrace(clean, "explain", "fraud").stdout.splitlines()
    told = {line.split("#")[0].strip(): line.partition("# ")[2].strip() for line in lines if "# " in line}
    assert told["folds: 2"] == "pipeline.yaml:18"
    assert told["until: '2018-08-15'"] == "params.yaml:3"
    assert told["uri: sqlite:///mlflow.db"] == "conf/tracking/file.yaml:2"
    assert told["customers: 5000"] == "conf/source/simulated_cards.yaml:4"
    assert told["variant: champion"] == "default"
    assert max(map(len, lines[: lines.index("")])) <= 80


def test_explain_shows_the_variable_that_says_otherwise_and_no_secret(clean: Project) -> None:
    """A URL may hold a password."""
    variables = {"HEADRACE_LOG__RETENTION": "5d", "HEADRACE_LOG__URL": "postgresql://a:secret@host/db"}
    said = headrace(clean, "explain", "fraud", **variables).stdout
    assert "retention: 5d" in said
    assert "# HEADRACE_LOG__RETENTION" in said
    assert "secret" not in said


def test_explain_draws_the_stages_in_their_order(clean: Project, tmp_path: Path) -> None:
    """In the terminal and as a picture; candidates stand beside each other."""
    said = headrace(clean, "explain", "churn").stdout
    order = ["○ check", "○ ingest", "○ validate", "○ featurize", "├─○ churn-logistic", "○ evaluate", "○ report"]
    places = [said.index(stage) for stage in order]
    assert places == sorted(places)
    picture = tmp_path / "stages.svg"
    assert headrace(clean, "explain", "churn", "--svg", str(picture)).returncode == 0
    svg = picture.read_text()
    assert svg.count('class="box"') == 10
    assert svg.count('class="edge"') == 10
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_explain_of_a_stage_says_what_it_reads_and_writes(clean: Project) -> None:
    """A candidate by its name, with its search space; a stage with its SQL."""
    said = headrace(clean, "explain", "fraud", "fraud-lightgbm").stdout
    assert said.splitlines()[0] == "train@fraud-lightgbm"
    assert "model=lightgbm" in said
    assert "writes  data/fraud/candidates/fraud-lightgbm" in said
    assert "min_child_weight: {start: 1, low: 1.0, high: 10.0, log: true}" in said
    sql = headrace(clean, "explain", "fraud", "featurize", "--sql").stdout
    assert '"terminal_id_fraud_7d"' in sql
    wrong = headrace(clean, "explain", "fraud", "fraud-lightgmb")
    assert wrong.returncode == 1
    assert "did you mean fraud-lightgbm?" in wrong.stderr


RESULTS = {
    "validation.json": {"rows": 1200, "rejected": 3, "parts": {"2018-04-01": {}, "2018-04-02": {}}, "rules": {"x": 3}},
    "evaluation/evaluation.json": {
        "metric": "r2", "greater_is_better": True, "winner": "fraud-xgboost", "test": {"rows": 300},
        "task": {"name": "regression", "classes": []}, "hybrid": {"rules": []},
        "candidates": {
            "fraud-lightgbm": {"model": "lightgbm", "validation": {"r2": 0.7}, "test": {"r2": 0.71, "mae": 2.0}},
            "fraud-xgboost": {"model": "xgboost", "validation": {"r2": 0.8}, "test": {"r2": 0.79, "mae": 1.5}},
        },
    },
    "registration.json": {"decision": "first", "alias": "champion", "version": 1, "champion_version": None},
}  # fmt: skip
"""Of a regression: no positives, no threshold, no confusion."""


def test_show_speaks_of_any_task_and_of_what_has_not_run(project: Project) -> None:
    """The winner first; a pipeline that has not run says so, and what brings its results."""
    for name, content in RESULTS.items():
        file = project.root / "data" / "fraud" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    done = headrace(project, "show", "fraud")
    assert done.returncode == 0, done.stderr
    assert "1,200 of 2 days, 2018-04-01 to 2018-04-02; 3 (0.25 %) rejected" in done.stdout.replace("\u202f", " ")
    assert done.stdout.index("★  fraud-xgboost") < done.stdout.index("   fraud-lightgbm")
    assert "0.800" in done.stdout
    assert "0.790" in done.stdout
    assert "package/bento.json is not there: `dvc repro` makes it" in done.stdout
    overview = headrace(project, "show").stdout
    assert "first: v1 champion" in overview
    assert "has not run yet" in overview
    (project.root / "data/fraud/validation.json").write_text("{")
    done = headrace(project, "show", "fraud")
    assert done.returncode == 1
    assert "data/fraud/validation.json: no JSON" in done.stderr


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("log", "erase"), ("token", "create")])
def test_help_teaches_by_example(command: tuple[str, ...]) -> None:
    """Every command has examples, or commands that have."""
    said = CliRunner().invoke(app, [*command, "--help"], prog_name="headrace").stdout
    assert "Usage: headrace" in said
    assert f"$ headrace {' '.join(command)}".rstrip() in said or "─ Commands ─" in said


def test_the_bare_command_shows_its_panels(clean: Project) -> None:
    """Declare, look, serve, keep."""
    done = headrace(clean)
    said = done.stdout + done.stderr
    for panel in ("Declare", "Look", "Serve", "Keep"):
        assert f"─ {panel} ─" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chek",), "Did you mean 'check'?"),
        (("show", "frod"), "params.yaml: pipelines: there is no 'frod'; did you mean fraud?"),
        (("token", "list", "frod"), "did you mean fraud?"),
        (("show", "--name"), "No such option"),
    ],
)
def test_a_wrong_command_line_names_the_nearest(clean: Project, arguments: tuple[str, ...], said: str) -> None:
    """In a line, without a traceback."""
    done = headrace(clean, *arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("check",), ("explain", "fraud"), ("warm", "fraud")])
def test_outside_of_a_project_it_is_said_where_to_go(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """In a line."""
    done = subprocess.run(
        [sys.executable, "-m", "headrace", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: params.yaml: no such file in {tmp_path}; ")


@pytest.mark.parametrize("params", ["lr: 1\n", "pipelines: {}\ncandidates: [a]\n", "candidates: {a: {pipeline: b}}\n"])
def test_a_project_with_mistakes_alone_is_not_taken_for_a_new_one(tmp_path: Path, params: str) -> None:
    """Whatever stands there was meant."""
    (tmp_path / "params.yaml").write_text(params)
    done = subprocess.run(["headrace", "check"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("params.yaml:")


def test_sections_of_another_shape_are_mistakes(tmp_path: Path) -> None:
    """A project without one right entry is not taken for a new one."""
    (tmp_path / "params.yaml").write_text("pipelines: [fraud]\n")
    done = subprocess.run(["headrace", "check"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "params.yaml:1: pipelines: found ['fraud']; it has to be a name and its choices on each line",
        "params.yaml: candidates: missing or empty; it has to be a name and its choices on each line",
        "2 mistakes in 1 file.",
    ]


def completed(project: Project, words: str) -> list[str]:
    """Return what bash would be offered for a line, by the protocol of Typer's completion."""
    position = str(len(words.split(" ")) - 1)
    done = headrace(project, _HEADRACE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=position)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("headrace ch", ["check"]),
        ("headrace show ", ["fraud", "churn"]),
        ("headrace check f", ["fraud"]),
        ("headrace explain churn churn-", ["churn-logistic", "churn-lightgbm"]),
        ("headrace explain churn feat", ["featurize"]),
        ("headrace explain nothing ", []),
        ("headrace token create fraud shop --scope p", ["predict"]),
        ("headrace log erase c", ["churn"]),
    ],
)
def test_the_shell_completes_what_there_is(clean: Project, words: str, offered: list[str]) -> None:
    """Commands, pipelines, stages, candidates, scopes."""
    assert completed(clean, words) == offered


def test_completion_can_be_shown(clean: Project) -> None:
    """What --install-completion puts in place."""
    done = clean.run("headrace", check=False, _HEADRACE_COMPLETE="source_bash")
    assert done.returncode == 0, done.stderr
    assert "complete_bash" in done.stdout
