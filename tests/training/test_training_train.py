"""Training a candidate: repeatable, blind to the test period, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

from headrace.declaration.modelling import Model, SearchRange
from headrace.errors import ConfigError, DataError
from headrace.models import load
from headrace.splits import Columns, end_of_data, split_rows
from headrace.storage import digest
from headrace.training import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.declaration.pipeline import TrainConfig

    Config = Callable[[Model], TrainConfig]
    Write = Callable[[Path, pd.DataFrame], Path]

LIGHTGBM = Model(
    _target_="lightgbm.LGBMClassifier",
    params={"n_estimators": 15},
    search={
        "num_leaves": SearchRange(low=4, high=40, integer=True, log=True, start=15),
        "min_child_samples": SearchRange(choices=[5, 20]),
    },
    trials=5,
)
XGBOOST = Model(_target_="xgboost.XGBClassifier", params={"n_estimators": 15}, balance="weights")
LOGISTIC = Model(
    _target_="sklearn.linear_model.LogisticRegression",
    search={"C": SearchRange(low=0.01, high=10, log=True, start=1)},
    trials=3,
    prepare="encode",
    maximum_rows_ratio=2.0,
)
MODELS = {"lightgbm": LIGHTGBM, "xgboost": XGBOOST, "logistic": LOGISTIC}


@pytest.mark.parametrize("name", MODELS)
def test_two_trainings_are_equal_byte_for_byte(
    name: str, transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """Models, manifest and out-of-fold scores repeat."""
    features = write_features(tmp_path / "features", transactions)
    for out in (tmp_path / "one", tmp_path / "two"):
        train(features, out, timed_config(MODELS[name]), "one")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


@pytest.mark.parametrize("name", MODELS)
def test_the_test_period_is_never_seen(
    name: str, transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """Absurd values and labels in the test period, and in the delay before it, change nothing of a candidate."""
    poisoned = transactions.copy()
    since = pd.Timestamp("2018-05-01") - pd.Timedelta(days=5 + 2)  # the test period, and the label's delay before it
    late = poisoned["at"] >= since
    assert 300 < late.sum() < 1000
    poisoned.loc[late, "amount"] = 1e9
    poisoned.loc[late, "kind"] = "poison"
    poisoned.loc[late, "fraud"] = 1 - poisoned.loc[late, "fraud"]
    config = timed_config(MODELS[name])
    train(write_features(tmp_path / "features", transactions), tmp_path / "clean", config, "one")
    train(write_features(tmp_path / "poisoned features", poisoned), tmp_path / "poisoned", config, "one")
    assert digest(tmp_path / "clean") == digest(tmp_path / "poisoned")


def test_the_folder_says_how_the_model_came_to_be(
    transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """The manifest has periods, trials and importance; the best trial is the one that was fitted."""
    features = write_features(tmp_path / "features", transactions)
    trained = train(features, tmp_path / "out", timed_config(LIGHTGBM), "one")
    manifest = load(tmp_path / "out").manifest
    assert manifest == trained.manifest
    assert manifest["candidate"] == "one"
    assert manifest["model"] == "lightgbm.LGBMClassifier"
    assert set(manifest["library"]) == {"lightgbm"}
    assert manifest["features"][2] == {"name": "kind", "type": "category", "categories": ["home", "shop", "web"]}
    tuning = manifest["tuning"]
    assert len(tuning["trials"]) == 5
    assert tuning["trials"][0]["params"]["num_leaves"] == 15  # the search starts where it is told to
    best = max((trial for trial in tuning["trials"] if trial["folds"] == 2), key=lambda trial: trial["value"])
    assert best["params"] == manifest["params"]
    assert best["value"] == tuning["best"] == trained.value
    assert sum(manifest["importance"].values()) == pytest.approx(1)
    assert max(manifest["importance"], key=manifest["importance"].get) == "amount"
    assert manifest["periods"]["train"]["until"] == "2018-04-24T00:00:00"
    assert [fold["from"] for fold in manifest["periods"]["validation"]] == [
        "2018-04-20T00:00:00",
        "2018-04-16T00:00:00",
    ]
    assert str(trained).startswith("average_precision 0.")
    assert f"on 2 folds, 5 trials, {manifest['rows']:,} rows" in str(trained)


def test_validation_scores_are_out_of_fold(
    transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """Each validation row has a score by a model that ended a delay before it, and their metric is the one that is said."""
    features = write_features(tmp_path / "features", transactions)
    config = timed_config(LIGHTGBM)
    trained = train(features, tmp_path / "out", config, "one")
    scores = pq.read_table(tmp_path / "out" / "validation.parquet").to_pandas()
    assert sorted(scores.columns) == ["at", "customer", "fold", "id", "label", "score"]
    end, columns = end_of_data(features), Columns("id", "at", "fraud")
    split = split_rows(transactions, config.split, "2d", end, columns)
    values = []
    for number, fold in enumerate(split.folds):
        part = scores[scores["fold"] == number]
        assert set(part["id"]) == set(transactions["id"][fold.validation.mask])
        values.append(average_precision_score(part["label"], part["score"]))
    assert np.mean(values) == pytest.approx(trained.value)
    assert not scores["id"].isin(transactions["id"][split.test.mask]).any()


@pytest.mark.parametrize("name", MODELS)
def test_rows_without_time_are_trained_on_too(
    name: str, customers: pd.DataFrame, write_features: Write, keyed_config: Config, tmp_path: Path
) -> None:
    """Each row outside the test side is judged once."""
    features = write_features(tmp_path / "features", customers)
    trained = train(features, tmp_path / "out", keyed_config(MODELS[name]), "one")
    scores = pq.read_table(tmp_path / "out" / "validation.parquet").to_pandas()
    assert scores["id"].is_unique
    assert len(scores) == trained.manifest["rows"]
    assert trained.value > 0.4


def test_permutation_tells_importance_where_the_estimator_cannot(
    customers: pd.DataFrame, write_features: Write, keyed_config: Config, tmp_path: Path
) -> None:
    """An estimator without an importance of its own still says which feature counts."""
    features = write_features(tmp_path / "features", customers)
    model = Model(_target_="sklearn.ensemble.HistGradientBoostingClassifier", params={"max_iter": 20})
    importance = train(features, tmp_path / "out", keyed_config(model), "one").manifest["importance"]
    assert max(importance, key=importance.get) == "amount"
    assert sum(importance.values()) == pytest.approx(1)


def test_a_failed_training_leaves_the_last_candidate(
    transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """Labels of one class are refused with the period and its counts; what stood there stands."""
    out = tmp_path / "out"
    train(write_features(tmp_path / "features", transactions), out, timed_config(XGBOOST), "one")
    before = digest(out)
    features = write_features(tmp_path / "one class", transactions.assign(fraud=np.int8(0)))
    with pytest.raises(DataError, match=r"training of fold 1 \(2018-04-01 .* rows, by fraud 0 of them positive"):
        train(features, out, timed_config(XGBOOST), "one")
    assert digest(out) == before


def test_a_cut_part_is_refused_by_name(
    transactions: pd.DataFrame, write_features: Write, timed_config: Config, tmp_path: Path
) -> None:
    """A Parquet file that was cut short is no features."""
    features = write_features(tmp_path / "features", transactions)
    part = features / "2018-04-10.parquet"
    part.write_bytes(part.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"2018-04-10\.parquet: cannot be read as features"):
        train(features, tmp_path / "out", timed_config(XGBOOST), "one")


def test_a_wrong_model_is_refused_before_any_work(timed_config: Config, tmp_path: Path) -> None:
    """The declaration is judged before any row is read."""
    (tmp_path / "features.json").write_text("{}")
    with pytest.raises(
        ConfigError, match=r"model\.params\.num_leavs: LGBMClassifier has no such parameter; did you mean"
    ):
        train(
            tmp_path,
            tmp_path / "out",
            timed_config(Model(_target_="lightgbm.LGBMClassifier", params={"num_leavs": 3})),
            "one",
        )


def test_all_that_is_wrong_in_what_the_stage_reads_is_said_at_once(timed_config: Config, tmp_path: Path) -> None:
    """The split and the metric are judged beside the model."""
    (tmp_path / "features.json").write_text("{}")
    config = timed_config(Model(_target_="lightgbm.LGBMClassifier", balance="smote"))
    assert config.split.time is not None
    config.split.time.test = "7x"
    config.evaluation.metric = "ap"
    with pytest.raises(ConfigError) as error:
        train(tmp_path, tmp_path / "out", config, "one")
    keys = [line.partition(":")[0] for line in str(error.value).splitlines()]
    assert keys == ["model.balance", "split.time.test", "evaluation.metric"]
