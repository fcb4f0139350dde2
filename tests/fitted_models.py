"""Small models of each family, fitted on rows with gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from headrace.declaration.modelling import Model
from headrace.models import FittedModel, Input, fit, prepare_rows, to_matrix

INPUTS = (
    Input("amount [EUR]", "number"),
    Input("age", "number"),
    Input("kind", "category", ("home", "shop", "web")),
)
MODELS = {
    "lightgbm": Model(_target_="lightgbm.LGBMClassifier", params={"n_estimators": 20}),
    "xgboost": Model(_target_="xgboost.XGBClassifier", params={"n_estimators": 20}),
    "logistic": Model(_target_="sklearn.linear_model.LogisticRegression", prepare="encode"),
    "forest": Model(_target_="sklearn.ensemble.RandomForestClassifier", params={"n_estimators": 10}, prepare="encode"),
    "histogram": Model(_target_="sklearn.ensemble.HistGradientBoostingClassifier", params={"max_iter": 10}),
    "encoded boosting": Model(
        _target_="lightgbm.LGBMClassifier", params={"n_estimators": 20}, prepare="encode", maximum_rows_ratio=1.0
    ),
    "weighted": Model(_target_="xgboost.XGBClassifier", params={"n_estimators": 20}, balance="weights"),
}


def made_rows() -> pd.DataFrame:
    """Return rows with gaps, a quarter of them positive."""
    random = np.random.default_rng(0)
    amount, kind = random.gamma(2, 20, 800), random.choice(np.array(["home", "shop", "web"], dtype=object), 800)
    label = (amount / 20 + 2.0 * (kind == "web") + random.normal(size=800) > 4).astype("int8")
    frame = pd.DataFrame({"amount [EUR]": amount, "age": random.normal(size=800), "kind": kind, "label": label})
    frame.loc[::9, "amount [EUR]"] = np.nan
    frame.loc[::11, "kind"] = None
    return frame


def fit_rows(model: Model, rows: pd.DataFrame) -> FittedModel:
    """Fit a model on all rows."""
    prepared = prepare_rows(model, INPUTS, to_matrix(rows, INPUTS), rows["label"].to_numpy(), 0)
    return fit(model, model.params, prepared, 0)
