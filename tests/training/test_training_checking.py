"""A wrong model is refused before any work, with the key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from headrace.declaration.modelling import Model, SearchRange
from headrace.tasks import read_task
from headrace.training import check_model

LIGHTGBM, XGBOOST = "lightgbm.LGBMClassifier", "xgboost.XGBClassifier"
REGRESSORS = {file.stem for file in Path("conf", "model").glob("*_regressor.yaml")} | {"ridge"}
LOGISTIC, TREE = "sklearn.linear_model.LogisticRegression", "sklearn.tree.DecisionTreeClassifier"


@pytest.mark.parametrize("file", sorted(Path("conf", "model").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_models_that_come_with_headrace_are_right(file: Path) -> None:
    """Every file in conf/model/ passes the check, trials or not."""
    model = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Model), OmegaConf.load(file)))
    assert isinstance(model, Model)
    task = read_task({"task": {"name": "regression", "classes": []}} if file.stem in REGRESSORS else {})
    assert check_model(model, task) == []
    model.trials = 0
    assert check_model(model, task) == []


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [
        (Model(_target_="os.system"), "_target_", "not allowed"),
        (Model(_target_="headrace.sources.Csv"), "_target_", "no classifier"),
        (Model(_target_=LIGHTGBM, params={"num_leavs": 3}), "params.num_leavs", "did you mean num_leaves?"),
        (Model(_target_=XGBOOST, params={"num_leaves": 3}), "params.num_leaves", "max_leaves"),
        (Model(_target_=LOGISTIC, params={"c": 1}), "params.c", "known are"),
        (Model(_target_=LIGHTGBM, params={"num_leaves": "many"}), "params.num_leaves", "type int"),
        (Model(_target_=XGBOOST, params={"max_depth": "deep"}), "params.max_depth", "expect int"),
        (Model(_target_=LOGISTIC, prepare="encode", params={"C": -1}), "params.C", "in the range"),
        (Model(_target_=TREE, prepare="one-hot"), "prepare", "none of: native, encode"),
        (Model(_target_=TREE, balance="smote"), "balance", "none of: none, weights"),
        (Model(_target_=TREE, maximum_rows_ratio=0), "maximum_rows_ratio", "above 0"),
        (Model(_target_=TREE, trials=3), "trials", "declare a search"),
        (Model(_target_=TREE, trials=-1), "trials", "0 or more"),
    ],
)
def test_a_wrong_declaration_is_named(model: Model, key: str, words: str) -> None:
    """The key and what would be right are said."""
    problems = check_model(model)
    assert [found for found, _ in problems] == [key]
    assert words in problems[0][1]


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (SearchRange(low=3, high=2), "below high"),
        (SearchRange(low=0, high=2, log=True), "above 0 where log"),
        (SearchRange(low=1), "choices, or low and high"),
        (SearchRange(choices=[]), "at least one"),
        (SearchRange(choices=[1, 2], low=1), "found both"),
        (SearchRange(choices=[1, 2], start=3), "none of the choices"),
        (SearchRange(low=1, high=2, start=3), "not between"),
        (SearchRange(low=1, high=3), "must be an int"),
    ],
)
def test_a_wrong_range_is_named(search: SearchRange, words: str) -> None:
    """A dimension of the search is judged by itself, and by the library."""
    ((key, message),) = check_model(Model(_target_=TREE, search={"max_depth": search}, trials=3))
    assert key == "search.max_depth"
    assert words in message


def test_a_parameter_is_fixed_or_searched() -> None:
    """What is set in params takes effect: a search of the same parameter, under whatever name, is refused."""
    search = {"eta": SearchRange(low=0.01, high=0.3)}
    model = Model(_target_=XGBOOST, params={"learning_rate": 0.1}, search=search, trials=2)
    ((key, message),) = check_model(model)
    assert key == "params.learning_rate"
    assert "search.eta" in message
    model.trials = 0
    assert check_model(model) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Two wrong names are two problems."""
    model = Model(_target_=LIGHTGBM, params={"a": 1, "b": 2}, prepare="x")
    assert [key for key, _ in check_model(model)] == ["prepare", "params.a", "params.b"]


@pytest.mark.parametrize(
    "model",
    [
        Model(_target_=XGBOOST, params={"tree_method": "exact", "base_score": 0.5}),
        Model(_target_=XGBOOST, params={"eta": 0.1, "lambda": 2}),
        Model(_target_=LIGHTGBM, params={"lambda_l2": 1, "num_boost_round": 500, "seed": 4}),
        Model(_target_=LIGHTGBM, params={"monotone_constraints": [1, 0, 0, -1]}),
        Model(_target_=TREE, params={"max_depth": None}),
    ],
)
def test_what_the_library_takes_is_taken(model: Model) -> None:
    """A library's own names and aliases are right, and so is what only fits the real features."""
    assert check_model(model) == []
