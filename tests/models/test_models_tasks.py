"""Models of classes and of numbers: saved and asked again they say the same, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_diabetes, load_wine

from headrace.declaration.modelling import Model
from headrace.models import Input, fit, load, prepare_rows, save, to_matrix
from headrace.tasks import read_task

if TYPE_CHECKING:
    from pathlib import Path

WINE, DIABETES = load_wine(as_frame=True), load_diabetes(as_frame=True, scaled=False)
TASKS = {
    "multiclass": (read_task({"task": {"name": "multiclass", "classes": [0, 1, 2]}}), WINE),
    "regression": (read_task({"task": {"name": "regression", "classes": []}}), DIABETES),
}
ENSEMBLE = "sklearn.ensemble"
MODELS = {
    ("multiclass", "lightgbm"): Model(_target_="lightgbm.LGBMClassifier", params={"n_estimators": 10}),
    ("multiclass", "xgboost"): Model(_target_="xgboost.XGBClassifier", params={"n_estimators": 10}),
    ("multiclass", "logistic"): Model(_target_="sklearn.linear_model.LogisticRegression", prepare="encode"),
    ("multiclass", "histogram"): Model(_target_=f"{ENSEMBLE}.HistGradientBoostingClassifier", params={"max_iter": 5}),
    ("multiclass", "weighted"): Model(
        _target_="lightgbm.LGBMClassifier", params={"n_estimators": 10}, balance="weights"
    ),
    ("regression", "lightgbm"): Model(_target_="lightgbm.LGBMRegressor", params={"n_estimators": 10}),
    ("regression", "xgboost"): Model(_target_="xgboost.XGBRegressor", params={"n_estimators": 10}),
    ("regression", "ridge"): Model(_target_="sklearn.linear_model.Ridge", prepare="encode"),
    ("regression", "forest"): Model(
        _target_=f"{ENSEMBLE}.RandomForestRegressor", params={"n_estimators": 5}, prepare="encode"
    ),
    ("regression", "poisson"): Model(
        _target_="lightgbm.LGBMRegressor", params={"n_estimators": 10, "objective": "poisson"}
    ),
}
EXPLAINED = {"lightgbm", "xgboost", "logistic", "weighted", "ridge"}
ROWS = 12


@pytest.fixture(params=MODELS, ids=" ".join)
def saved(request: Any, tmp_path: Path) -> tuple[str, Any, Any, Any]:
    """Fit and save a model, and load it again; return its name, both, and some rows."""
    task, data = TASKS[request.param[0]]
    inputs = tuple(Input(name, "number") for name in data.data)
    model, labels = MODELS[request.param], data.target.to_numpy(task.label_dtype)
    rows = prepare_rows(model, inputs, to_matrix(data.data, inputs), labels, 0, task=task)
    fitted = fit(model, model.params, rows, 0)
    save(fitted, tmp_path, {})
    return request.param[1], fitted, load(tmp_path), data.data.iloc[::9][:ROWS]


def test_a_saved_model_says_what_the_fitted_one_said(saved: tuple[str, Any, Any, Any]) -> None:
    """In a table, among many rows and alone; probabilities of classes add up to one."""
    _, fitted, loaded, rows = saved
    said = loaded.predict(rows)
    matrix = to_matrix(rows, loaded.inputs)
    np.testing.assert_allclose(said, fitted.predict(fitted.rows.prepare(matrix)), rtol=1e-6)
    scorer, values = loaded.scorer(list(rows)[::-1]), [list(row)[::-1] for row in rows.to_numpy().tolist()]
    np.testing.assert_allclose(scorer.many(values), said, rtol=1e-6)
    np.testing.assert_allclose([scorer(row) for row in values], said, rtol=1e-6)
    if said.ndim == 2:
        np.testing.assert_allclose(said.sum(axis=1), 1)


def test_contributions_add_up_to_what_is_said(saved: tuple[str, Any, Any, Any]) -> None:
    """To the number in its own unit; to the score of the predicted class, before softmax."""
    name, _, loaded, rows = saved
    scorer = loaded.scorer(list(rows))
    assert scorer.explains == (name in EXPLAINED)
    if not scorer.explains:
        return
    for row in rows.to_numpy().tolist():
        told, said = scorer.contributions(row), scorer(row)
        total = told.base + sum(each for _, _, each in told.of)
        assert [each for each, _, _ in sorted(told.of)] == sorted(rows)
        if np.ndim(said) == 0:
            assert total == pytest.approx(said, rel=1e-5)
        else:
            assert total == pytest.approx(score_of(loaded, row, int(np.argmax(said)), said), abs=1e-4)


def score_of(loaded: Any, row: list[float], place: int, said: np.ndarray) -> float:
    """Return the score of a class before softmax, corrected for what its rows counted in training."""
    [told] = loaded._estimator.contributions(np.array([row]))
    counted = np.log(loaded.manifest["class_weights"] or np.ones(len(said)))
    scores = told.sum(axis=1) - counted
    np.testing.assert_allclose(softmax(scores), said, rtol=1e-4)
    return float(scores[place])


def test_probabilities_of_balanced_classes_are_those_of_the_real_world() -> None:
    """With weights a rare class is seen as often as the others; on average it is said to be as rare as it is."""
    task = TASKS["multiclass"][0]
    draw = np.random.default_rng(0)
    labels = draw.choice(3, 6000, p=[0.8, 0.15, 0.05]).astype(np.int16)
    matrix = draw.normal(labels[:, None], 2.0, (6000, 2))
    model = Model(_target_="sklearn.linear_model.LogisticRegression", prepare="encode", balance="weights")
    rows = prepare_rows(model, (Input("a", "number"), Input("b", "number")), matrix, labels, 0, task=task)
    said = fit(model, {}, rows, 0).predict(rows.prepare(matrix))
    np.testing.assert_allclose(said.mean(axis=0), np.bincount(labels) / len(labels), atol=0.01)
