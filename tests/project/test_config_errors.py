"""A wrong declaration is refused before any work, with a line that names its file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_project import Project, copy_repository

if TYPE_CHECKING:
    from pathlib import Path

FRAUD = "pipelines/fraud/pipeline.yaml"
SCHEMA = "pipelines/fraud/schema.yaml"
FEATURES = "pipelines/fraud/features.yaml"
RULES = "pipelines/fraud/rules.yaml"
LIGHTGBM = "conf/model/lightgbm.yaml"

# A file, a text in it, what a mistake makes of it, and the pieces that the one line has to have.
MISTAKES = {
    "unknown key of a pipeline": (
        "params.yaml",
        "source: simulated_cards,",
        "source: simulated_cards, untill: x,",
        ["params.yaml", "untill", "did you mean until?"],
    ),
    "a clock in an expression": (
        "pipelines/fraud/features.yaml",
        "is_night: hour(tx_datetime) <= 6",
        "is_night: epoch(now()) > 0",
        ["pipelines/fraud/features.yaml", "expressions.is_night", "now()"],
    ),
    "a negative seed": (FRAUD, "seed: 0", "seed: -1", [FRAUD, "seed", "-1"]),
    "no such positive": (FRAUD, "positive: 1", "positive: maybe", [FRAUD, "target.positive", "'maybe'"]),
    "a period of no unit": (FRAUD, "period: 1d", "period: 7x", [FRAUD, "evaluation.precision_at.period", "'7x'"]),
    "candidate's name": (
        "params.yaml",
        "fraud-logistic:",
        "tx_amount:",
        ["params.yaml", "candidates.tx_amount", "is a column of the rows"],
    ),
    "unknown key": (FRAUD, "seed: 0", "sead: 0\nseed: 0", [FRAUD, "sead", "unknown key", "did you mean seed?"]),
    "unknown inner key": (FRAUD, "folds: 2", "foldz: 2", [FRAUD, "split.time.foldz", "did you mean folds?"]),
    "wrong type": (FRAUD, "seed: 0", "seed: many", [FRAUD, "seed", "'many'", "is no whole number"]),
    "missing section": (FRAUD, "seed: 0", "", [FRAUD, "seed", "missing"]),
    "not YAML": (FRAUD, "seed: 0", "seed: [0", [f"{FRAUD}:", "not valid YAML"]),
    "environment variable": (FRAUD, "seed: 0", "seed: ${oc.env:NO_SUCH_SEED}", [FRAUD, "seed", "NO_SUCH_SEED"]),
    "no column": (FEATURES, "- tx_amount", "- tx_amuont", [FEATURES, "columns", "tx_amuont", "tx_amount"]),
    "span": (FEATURES, "- 7d", "- 7x", [FEATURES, "spans", "7x", "7d"]),
    "an aggregate that no service can keep": (
        FEATURES,
        "max_amount: max(tx_amount)",
        "max_amount: max(tx_datetime)",
        [FEATURES, "windows", "max(tx_datetime)", "live windows take numbers"],
    ),
    "column type": (SCHEMA, "type: timestamp", "type: tiemstamp", [SCHEMA, "columns.tx_datetime.type", "timestamp"]),
    "label delay": (FEATURES, "delay: 7d", "delay: 1d", [FEATURES, "tx_fraud", "7d"]),
    "unknown column key": (SCHEMA, "type: timestamp", "tipe: timestamp", [SCHEMA, "columns.tx_datetime.tipe", "type"]),
    "model option": (
        "params.yaml",
        "model: lightgbm}",
        "model: lightgmb}",
        ["params.yaml", "candidates.fraud-lightgbm.model", "lightgmb", "lightgbm"],
    ),
    "source option": (
        "params.yaml",
        "source: simulated_cards",
        "source: kards",
        ["params.yaml", "pipelines.fraud.source", "kards", "simulated_cards"],
    ),
    "candidate's pipeline": (
        "params.yaml",
        "{pipeline: fraud, model: lightgbm}",
        "{pipeline: frod, model: lightgbm}",
        ["params.yaml", "candidates.fraud-lightgbm.pipeline", "frod"],
    ),
    "until": ("params.yaml", "2018-08-15", "2018-08-32", ["params.yaml", "until", "2018-08-32"]),
    "model parameter": (LIGHTGBM, "num_leaves:", "num_leafs:", [LIGHTGBM, "num_leafs", "num_leaves"]),
    "target not allowed": (
        LIGHTGBM,
        "lightgbm.LGBMClassifier",
        "os.system",
        [LIGHTGBM, "_target_", "os.system", "conf/targets.yaml"],
    ),
    "source argument": (FRAUD, "start:", "strat:", [FRAUD, "source", "strat", "start"]),
    "metric": (
        FRAUD,
        "metric: average_precision",
        "metric: averag_precision",
        [FRAUD, "evaluation.metric", "averag_precision", "average_precision"],
    ),
    "budget": (
        FRAUD,
        "false_positive_budget: 0.005",
        "false_positive_budget: 5",
        [FRAUD, "false_positive_budget", "between 0 and 1"],
    ),
    "cost": (
        FRAUD,
        "false_negative: tx_amount",
        "false_negative: tx_amuont",
        [FRAUD, "evaluation.costs.false_negative", "tx_amuont", "cannot be computed"],
    ),
    "rule over no column": (
        RULES,
        "when: tx_amount > 220",
        "when: tx_amuont > 220",
        [RULES, "rules[0].when", "over_220", "tx_amuont", "did you mean tx_amount?"],
    ),
    "rule over the label": (
        RULES,
        "when: tx_amount > 220",
        "when: tx_fraud = 1",
        [RULES, "rules[0].when", "the label tx_fraud"],
    ),
    "rule's decision": (RULES, "then: block", "then: blok", [RULES, "rules[0].then", "'blok'", "did you mean block?"]),
    "unknown key of a rule": (RULES, "then: block", "than: block", [RULES, "than", "then"]),
    "slice": (FRAUD, "slices: [", "slices: [nothing, ", [FRAUD, "evaluation.slices", "nothing"]),
}


@pytest.fixture
def unrun(tmp_path: Path) -> Project:
    """Return the repository's files as they are."""
    copy_repository(tmp_path / "project")
    return Project(tmp_path / "project", tmp_path)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_one_line_that_names_file_and_key(unrun: Project, mistake: str) -> None:
    """The check stage leaves with a code, one line, no traceback and no output."""
    file, old, new, pieces = MISTAKES[mistake]
    unrun.edit(file, old, new)
    choices = ("source=simulated_cards", "until=2018-08-15", "tracking=file")
    if mistake == "until":
        choices = ("source=simulated_cards", "until=2018-08-32", "tracking=file")
    done = unrun.stage("check", "fraud", *choices, check=False)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert any(all(piece in line for piece in pieces) for line in lines), done.stderr
    assert all(line.startswith("error: ") for line in lines), done.stderr
    assert len(lines) == 1 or mistake in {"model option", "column type"}, done.stderr
    assert not (unrun.root / "data" / "fraud" / "checked.txt").exists()


def test_all_mistakes_are_said_at_once(unrun: Project) -> None:
    """Three mistakes in three files are three lines."""
    for mistake in ("span", "column type", "metric"):
        unrun.edit(*MISTAKES[mistake][:3])
    done = unrun.stage("check", "fraud", "source=simulated_cards", "until=2018-08-15", "tracking=file", check=False)
    assert done.returncode == 1
    for piece in ("7x", "tiemstamp", "averag_precision"):
        assert piece in done.stderr


def test_a_traceback_is_shown_where_it_is_asked_for(unrun: Project) -> None:
    """HYDRA_FULL_ERROR=1 is what Hydra's users know."""
    unrun.edit(FRAUD, "seed: 0", "sead: 0")
    unrun.env["HYDRA_FULL_ERROR"] = "1"
    assert "Traceback" in unrun.stage("check", "fraud", check=False).stderr


def test_a_key_added_on_the_command_line_is_refused(unrun: Project) -> None:
    """`+key=value` passes Hydra's own check of a structured config, and not ours."""
    done = unrun.stage("ingest", "fraud", "source=simulated_cards", "until=2018-04-02", "+sead=1", check=False)
    assert done.returncode == 1
    assert "command line: sead: unknown key; did you mean seed?" in done.stderr
    assert not (unrun.root / "data" / "fraud" / "raw").exists()


def test_a_target_that_is_not_listed_is_never_imported(unrun: Project) -> None:
    """What a pull request names is looked up in conf/targets.yaml before it is imported."""
    (unrun.root / "payload.py").write_text("open('imported', 'w').close()\ndef rows(): ...\n")
    unrun.edit(LIGHTGBM, "lightgbm.LGBMClassifier", "payload.rows")
    done = unrun.stage("check", "fraud", "source=simulated_cards", "until=2018-08-15", "tracking=file", check=False)
    assert "'payload.rows' is not allowed" in done.stderr
    assert not (unrun.root / "imported").exists()


def test_a_positive_value_that_lost_its_quotes_is_read_as_the_text_it_is(unrun: Project) -> None:
    """`dvc exp run -S pipelines/churn/pipeline.yaml:…` writes the file without them."""
    unrun.edit("pipelines/churn/pipeline.yaml", 'positive: "Yes"', "positive: Yes")
    assert "are right" in unrun.stage("check", "churn", "source=csv", "until=all", "tracking=file").stdout
