"""All candidates on the same test rows, the winner, and what is written."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from headrace.errors import DataError, HeadraceError, IntegrityError
from headrace.evaluation import choose_threshold, choose_winner, describe, evaluate, write_result
from headrace.models import load
from headrace.storage import digest


@pytest.fixture(scope="module")
def result(timed):
    """What evaluation says of the timed case."""
    return evaluate(
        timed.data / "validated", timed.data / "features", timed.data / "candidates", timed.models, timed.config
    )


def test_candidates_are_judged_on_the_test_rows(timed, result):
    """Scores are those of the saved model on the last days, without known cards, and metrics are of these."""
    rows = pd.concat([pd.read_parquet(file) for file in sorted((timed.data / "features").glob("*.parquet"))[-5:]])
    test_rows = result.summary["test"]
    assert test_rows["rows"] + test_rows["known"]["rows"] == len(rows) == 1000
    assert test_rows["known"]["rows"] > 0
    rows = rows[rows["id"].isin(result.scores["id"])]
    assert result.scores["id"].tolist() == rows["id"].tolist()
    assert result.scores.columns.tolist() == ["id", "at", "card", "label", "good", "weak"]
    scores = load(timed.data / "candidates" / "good").predict(rows)
    assert np.array_equal(result.scores["good"], scores)
    test = result.summary["candidates"]["good"]["test"]
    assert test["average_precision"] == pytest.approx(average_precision_score(rows["fraud"], scores))
    assert test_rows["from"] == "2024-01-26T00:00:00"


def test_the_threshold_comes_from_validation_rows(timed, result):
    """It is that of all folds' scores together, and keeps the budget there."""
    one = result.summary["candidates"]["good"]
    validation = pd.read_parquet(timed.data / "candidates" / "good" / "validation.parquet")
    labels, scores = validation["label"].to_numpy(), validation["score"].to_numpy()
    assert one["threshold"] == choose_threshold(labels, scores, 0.02)
    assert one["validation"]["false_positive_rate"] <= 0.02
    assert one["validation"]["average_precision"] == pytest.approx(np.mean(one["folds"]))


def test_all_that_is_declared_is_measured(result):
    """Precision at k, recall of the knowable, costs and slices are there beside the metrics of every pipeline."""
    one = result.summary["candidates"]["good"]
    assert {"precision_at_5", "recall_at_budget", "recall_of_knowable", "calibration_error", "f1"} <= one["test"].keys()
    assert result.summary["test"]["knowable_positives"] < result.summary["test"]["positives"]
    assert one["test"]["recall_of_knowable"] > one["test"]["recall"]
    assert one["cost"]["at_threshold"] < one["cost"]["flagging_none"]
    assert list(one["slices"]) == ["kind", "risk", "amount"]
    assert sum(one["confusion"].values()) == result.summary["test"]["rows"]


def test_the_winner_is_the_best_on_validation_rows(result):
    """The test rows choose nothing; equals go by name, and of a loss the smaller is better."""
    assert result.summary["winner"] == "good"
    assert choose_winner({"b": 0.5, "a": 0.5, "c": 0.4}, "average_precision") == "a"
    assert choose_winner({"b": 0.5, "a": 0.5, "c": 0.4}, "log_loss") == "c"


def test_what_is_written_can_be_served_and_compared(timed, result, tmp_path):
    """The winner's folder loads, its manifest says threshold and metrics; metrics.json holds numbers alone."""
    write_result(result, timed.data / "candidates", tmp_path)
    manifest = load(tmp_path / "winner").manifest
    one = result.summary["candidates"]["good"]
    assert manifest["threshold"] == one["threshold"]
    assert manifest["metrics"] == one["test"]
    assert not (tmp_path / "winner" / "validation.parquet").exists()
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["winner"]["roc_auc"] == metrics["candidates"]["good"]["test"]["roc_auc"]
    assert json.loads((tmp_path / "evaluation" / "evaluation.json").read_text()) == result.summary
    plots = {file.stem: pd.read_csv(file) for file in (tmp_path / "plots").iterdir()}
    assert plots.keys() == {"roc", "precision_recall", "calibration", "confusion", "importance"}
    plots["cost"] = pd.read_csv(tmp_path / "evaluation" / "cost.csv")
    assert all(set(points["candidate"]) == {"good", "weak"} for points in plots.values())
    assert plots["confusion"].groupby("candidate")["rows"].sum().tolist() == [result.summary["test"]["rows"]] * 2


def test_the_same_input_gives_the_same_bytes(timed, tmp_path):
    """Nothing of when or where it ran is in the outputs."""
    for name in ("first", "second"):
        again = evaluate(
            timed.data / "validated", timed.data / "features", timed.data / "candidates", timed.models, timed.config
        )
        write_result(again, timed.data / "candidates", tmp_path / name)
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_a_pipeline_without_time_and_costs_is_judged_too(untimed, tmp_path):
    """What is not declared is not there, and the best loss wins."""
    result = evaluate(
        untimed.data / "validated",
        untimed.data / "features",
        untimed.data / "candidates",
        untimed.models,
        untimed.config,
    )
    write_result(result, untimed.data / "candidates", tmp_path)
    one = result.summary["candidates"]["good"]
    assert result.summary["winner"] == "good"
    assert one["cost"] is None
    assert "recall_of_knowable" not in one["test"]
    assert result.scores.columns.tolist() == ["id", "card", "label", "good", "weak"]
    assert not (tmp_path / "evaluation" / "cost.csv").exists()


def test_a_folder_that_is_no_candidate_any_more_is_ignored(timed):
    """Only what params.yaml lists is judged."""
    only = evaluate(
        timed.data / "validated",
        timed.data / "features",
        timed.data / "candidates",
        {"weak": "decision_tree"},
        timed.config,
    )
    assert only.summary["winner"] == "weak"
    assert list(only.summary["candidates"]) == ["weak"]


def test_a_listed_candidate_that_was_not_trained_is_named(timed):
    """The message says which command trains it."""
    with pytest.raises(DataError, match="dvc repro train@other"):
        evaluate(
            timed.data / "validated", timed.data / "features", timed.data / "candidates", {"other": "x"}, timed.config
        )


def test_a_model_file_with_one_byte_changed_is_refused(timed, tmp_path):
    """A model that is not the one that was trained is not judged."""
    shutil.copytree(timed.data / "candidates", tmp_path / "candidates")
    file = next(file for file in (tmp_path / "candidates" / "good").iterdir() if file.suffix == ".skops")
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(IntegrityError, match=file.name):
        evaluate(timed.data / "validated", timed.data / "features", tmp_path / "candidates", timed.models, timed.config)


def test_a_candidate_of_other_features_is_refused(timed, tmp_path):
    """The message names the feature and what each side has."""
    shutil.copytree(timed.data / "features", tmp_path / "features")
    manifest = json.loads((tmp_path / "features" / "features.json").read_text())
    manifest["features"] = [*manifest["features"][1:], {"name": "new", "type": "number", "categories": None}]
    (tmp_path / "features" / "features.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"amount \(number in the model, none in the table\), new \(none in the model"):
        evaluate(timed.data / "validated", tmp_path / "features", timed.data / "candidates", timed.models, timed.config)


def test_test_rows_of_one_class_are_refused(timed, tmp_path):
    """No metric could be computed; the message says how many rows of which class there are."""
    shutil.copytree(timed.data / "features", tmp_path / "features")
    for file in sorted((tmp_path / "features").glob("*.parquet"))[-5:]:
        part = pd.read_parquet(file)
        part.assign(fraud=np.int8(0)).to_parquet(file, index=False)
    with pytest.raises(DataError, match=r"test .* has [0-9]+ rows, by fraud 0 of them positive"):
        evaluate(timed.data / "validated", tmp_path / "features", timed.data / "candidates", timed.models, timed.config)


def test_a_features_file_cut_short_is_named(timed, tmp_path):
    """A Parquet file without its end is no table."""
    shutil.copytree(timed.data / "features", tmp_path / "features")
    file = max((tmp_path / "features").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match=file.name):
        evaluate(timed.data / "validated", tmp_path / "features", timed.data / "candidates", timed.models, timed.config)


def test_a_failed_write_leaves_the_last_outputs(timed, result, tmp_path):
    """Where the winner's folder is gone the old winner stands."""
    write_result(result, timed.data / "candidates", tmp_path)
    before = digest(tmp_path / "winner")
    broken = dataclasses.replace(result, summary={**result.summary, "winner": "weak"})
    with pytest.raises((OSError, HeadraceError)):
        write_result(broken, tmp_path / "nowhere", tmp_path)
    assert digest(tmp_path / "winner") == before


def test_the_table_says_who_won_and_why(result):
    """One line a candidate, the winner marked."""
    lines = describe(result.summary).splitlines()
    assert "validation average_precision" in lines[0]
    assert lines[1].startswith("*  good")
    assert lines[-1] == "* wins by validation average_precision"
