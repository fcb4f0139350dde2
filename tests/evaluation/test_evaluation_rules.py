"""What rules change is measured on the test rows, beside the model alone."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from judged_pipeline import RULES

from headrace.declaration.rules import Rule, Rules
from headrace.errors import ConfigError, DataError
from headrace.evaluation import evaluate, write_result


def judged(case, rules, validated=None):
    """Evaluate with other rules."""
    config = dataclasses.replace(case.config, rules=rules)
    data = case.data
    return evaluate(validated or data / "validated", data / "features", data / "candidates", case.models, config)


@pytest.fixture(scope="module")
def result(timed):
    """What evaluation says with rules over columns, features and the score."""
    return judged(timed, RULES)


@pytest.fixture(scope="module")
def rows(timed, result):
    """The test rows as pandas has them, with what the rules are to decide by their words."""
    features = pd.concat([pd.read_parquet(file) for file in sorted((timed.data / "features").glob("*.parquet"))])
    rows = result.scores[["id", "label"]].assign(score=result.scores["good"]).merge(features, on="id")
    assert rows["id"].tolist() == result.scores["id"].tolist()
    night = (rows["id"] % 10 == 9) & (rows["at"].dt.hour < 6)
    unsure = rows["score"].between(0.1, 0.5) & rows["risk"].notna()
    rows["rule"] = np.select([rows["amount"] > 150, night, unsure], ["large", "shop_9_by_night", "unsure"], "")
    threshold = result.summary["candidates"]["good"]["threshold"]
    rows["flagged"] = rows["score"] >= threshold
    alone = np.where(rows["flagged"], "block", "allow")
    decisions = {"large": "block", "shop_9_by_night": "review", "unsure": "review"}
    rows["decision"] = rows["rule"].map(decisions).where(rows["rule"] != "", alone)
    return rows


def test_each_rule_and_decision_is_counted(result, rows):
    """By the first rule that holds, whose columns are those of the validated rows."""
    hybrid = result.summary["hybrid"]
    for one in hybrid["rules"]:
        own = rows[rows["rule"] == one["name"]]
        assert (one["rows"], one["positives"]) == (len(own), own["label"].sum())
        assert one["model_flags"]["rows"] == own["flagged"].sum()
        assert one["model_flags"]["positives"] == own[own["flagged"]]["label"].sum()
    assert [one["rows"] > 0 for one in hybrid["rules"]] == [True, True, True, False]
    assert [one["decision"] for one in hybrid["decisions"]] == ["allow", "review", "block"]
    for one in hybrid["decisions"]:
        own = rows[rows["decision"] == one["decision"]]
        assert (one["rows"], one["positives"]) == (len(own), own["label"].sum())
        assert one["precision"] == own["label"].mean()


def test_from_the_models_flag_on_a_decision_counts_as_flagged(result, rows):
    """A review is milder than a block, so it flags nothing; its rows cost what a missed row costs."""
    hybrid = result.summary["hybrid"]
    blocked, positive = rows["decision"] == "block", rows["label"] == 1
    assert hybrid["flagged_from"] == "block"
    assert hybrid["test"]["recall"] == (blocked & positive).sum() / positive.sum()
    assert hybrid["test"]["precision"] == (blocked & positive).sum() / blocked.sum()
    assert hybrid["test"]["false_positive_rate"] == (blocked & ~positive).sum() / (~positive).sum()
    cost = rows["amount"][positive & ~blocked].sum() + 5 * (blocked & ~positive).sum()
    assert hybrid["cost"] == pytest.approx(cost)


def test_rules_change_nothing_of_the_model(timed, result):
    """Winner, threshold and metrics are what they are without rules; then the model decides all."""
    without = judged(timed, Rules()).summary
    hybrid = without.pop("hybrid")
    assert without == {key: value for key, value in result.summary.items() if key != "hybrid"}
    winner = without["candidates"]["good"]
    assert hybrid["rules"] == []
    assert hybrid["test"] == {name: winner["test"][name] for name in hybrid["test"]}
    assert hybrid["confusion"] == winner["confusion"]
    assert hybrid["cost"] == winner["cost"]["at_threshold"]


def test_dvc_can_compare_what_rules_change(timed, result, tmp_path):
    """metrics.json has numbers by the names of decisions and rules."""
    write_result(result, timed.data / "candidates", tmp_path)
    hybrid = json.loads((tmp_path / "metrics.json").read_text())["hybrid"]
    assert hybrid["recall"] == result.summary["hybrid"]["test"]["recall"]
    assert hybrid["decisions"]["review"].keys() == {"rows", "positives", "precision"}
    assert hybrid["rules"]["large"].keys() == {"rows", "positives", "precision", "flagged_by_model"}
    assert hybrid["rules"]["never"] == {"rows": 0, "positives": 0, "flagged_by_model": 0}


def test_without_rules_the_validated_rows_are_not_read(untimed, tmp_path):
    """The model decides by its score alone."""
    assert judged(untimed, Rules(), validated=tmp_path / "none").summary["hybrid"]["rules"] == []


def test_rows_that_are_not_among_the_validated_ones_are_named(timed, tmp_path):
    """Somebody changed them since the features were made."""
    file = max((timed.data / "validated").glob("*.parquet"))
    (tmp_path / "validated").mkdir()
    pd.read_parquet(file).iloc[:10].to_parquet(tmp_path / "validated" / file.name)
    with pytest.raises(DataError, match="rows of the features table are not here"):
        judged(timed, RULES, validated=tmp_path / "validated")


def test_a_rule_that_cannot_be_computed_is_named(timed):
    """Where the check stage did not run before."""
    with pytest.raises(ConfigError, match=r"rules\.yaml.*nothing"):
        judged(timed, Rules(rules=[Rule(name="one", when="nothing > 1", then="block")]))
