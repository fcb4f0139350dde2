"""Balanced training, and probabilities of the real world all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.declaration.modelling import Model
from headrace.models import Input, fit, prepare_rows, to_matrix

INPUTS = (Input("signal", "number"),)


def make_rows(rows: int, seed: int) -> pd.DataFrame:
    """Return rows with one positive in thirty; the signal tells them in part."""
    random = np.random.default_rng(seed)
    label = (random.random(rows) < 1 / 30).astype("int8")
    return pd.DataFrame({"signal": random.normal(size=rows) + 1.5 * label, "label": label})


def predict(model: Model, train: pd.DataFrame, judged: pd.DataFrame) -> np.ndarray:
    """Fit and ask."""
    prepared = prepare_rows(model, INPUTS, to_matrix(train, INPUTS), train["label"].to_numpy(), 0)
    fitted = fit(model, model.params, prepared, 0)
    return fitted.predict(prepared.prepare(to_matrix(judged, INPUTS)))


@pytest.mark.parametrize("balance", ["none", "weights"])
@pytest.mark.parametrize("ratio", [None, 2.0, 10.0])
def test_probabilities_stay_true(balance: str, ratio: float | None) -> None:
    """However training is balanced, the mean probability is the share of positives."""
    train, judged = make_rows(40_000, 0), make_rows(40_000, 1)
    model = Model(
        _target_="sklearn.linear_model.LogisticRegression", prepare="encode", balance=balance, maximum_rows_ratio=ratio
    )
    probabilities = predict(model, train, judged)
    assert probabilities.mean() == pytest.approx(judged["label"].mean(), rel=0.12)


def test_weights_make_both_classes_weigh_the_same() -> None:
    """The positives' weights sum to those of the negatives; a row weighs 1 on average."""
    rows = make_rows(3000, 0)
    labels = rows["label"].to_numpy()
    model = Model(_target_="lightgbm.LGBMClassifier", balance="weights")
    prepared = prepare_rows(model, INPUTS, to_matrix(rows, INPUTS), labels, 0)
    assert prepared.weights is not None
    assert prepared.weights[labels == 1].sum() == pytest.approx(prepared.weights[labels == 0].sum())
    assert prepared.weights.mean() == pytest.approx(1)


@given(ratio=st.floats(0.5, 60), seed=st.integers(0, 5))
def test_all_positives_stay(ratio: float, seed: int) -> None:
    """Only negatives are dropped, to the declared ratio, the same ones for the same seed."""
    rows = make_rows(2000, seed)
    model = Model(_target_="lightgbm.LGBMClassifier", maximum_rows_ratio=ratio)
    matrix, labels = to_matrix(rows, INPUTS), rows["label"].to_numpy()
    prepared, again = (prepare_rows(model, INPUTS, matrix, labels, seed) for _ in range(2))
    positives = int(labels.sum())
    assert int(prepared.labels.sum()) == positives
    assert int((prepared.labels == 0).sum()) == min(len(labels) - positives, int(ratio * positives))
    pd.testing.assert_frame_equal(prepared.rows, again.rows)
