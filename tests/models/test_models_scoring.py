"""One row in microseconds, many at once, and why: what the model itself says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fitted_models import INPUTS, MODELS, fit_rows, made_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors import DataError
from headrace.models import LoadedModel, load, save

if TYPE_CHECKING:
    import pandas as pd

NAMES = ["other", "kind", "amount [EUR]", "more", "age"]
EXPLAINING = ["lightgbm", "xgboost", "logistic", "encoded boosting", "weighted"]
ROUNDING = 1e-12
NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.sampled_from([0.0, 1.0, 40.0]))
KINDS = st.sampled_from(["home", "shop", "web", "unheard of", None])
VALUES = st.builds(lambda kind, amount, age: ["-", kind, amount, None, age], KINDS, NUMBERS, NUMBERS)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Return rows with gaps."""
    return made_rows()


@pytest.fixture(scope="module")
def models(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    """Return each model, saved and loaded."""
    found = {}
    for name, model in MODELS.items():
        folder = tmp_path_factory.mktemp(name)
        save(fit_rows(model, rows), folder, {})
        found[name] = load(folder)
    return found


def values_of(rows: pd.DataFrame) -> list[list[Any]]:
    """Return the values of rows in an order of their own, with others among them."""
    return [
        ["-", kind, float(amount), None, float(age)]
        for kind, amount, age in zip(rows["kind"], rows["amount [EUR]"], rows["age"], strict=True)
    ]


@pytest.mark.parametrize("name", MODELS)
def test_a_row_scores_as_it_does_in_a_table(models: dict[str, LoadedModel], rows: pd.DataFrame, name: str) -> None:
    """Alone or among many, whatever order its values come in."""
    scorer, expected = models[name].scorer(NAMES), models[name].predict(rows)
    values = values_of(rows)
    np.testing.assert_array_equal(scorer.many(values), expected)
    alone = [scorer(each) for each in values[:60]]
    if name == "logistic":  # which adds in another order
        np.testing.assert_allclose(alone, expected[:60], rtol=ROUNDING)
    else:
        np.testing.assert_array_equal(alone, expected[:60])


@pytest.mark.parametrize("name", EXPLAINING)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(values=VALUES)
def test_contributions_add_up_to_the_log_odds(models: dict[str, LoadedModel], name: str, values: list[Any]) -> None:
    """For any row; each feature has one, the largest first, beside the value that it had."""
    scorer = models[name].scorer(NAMES)
    told = scorer.contributions(values)
    sizes = [abs(part) for _, _, part in told.of]
    assert sizes == sorted(sizes, reverse=True)
    assert {feature for feature, _, _ in told.of} == {each.name for each in INPUTS}
    for feature, value, _ in told.of:
        given_value: Any = values[NAMES.index(feature)]
        assert value == given_value or (value is None and math.isnan(given_value))
    odds = told.base + sum(part for _, _, part in told.of)
    probability = scorer(values)
    if 1e-9 < probability < 1 - 1e-9:
        assert odds == pytest.approx(math.log(probability / (1 - probability)), abs=1e-4)
    assert 1 / (1 + math.exp(-max(min(odds, 700), -700))) == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize("name", ["forest", "histogram"])
def test_a_model_that_cannot_be_explained_says_so(models: dict[str, LoadedModel], name: str) -> None:
    """Before it is asked, and when it is asked all the same."""
    scorer = models[name].scorer(NAMES)
    assert not scorer.explains
    with pytest.raises(DataError, match="has no exact contributions; LightGBM, XGBoost and linear models do"):
        scorer.contributions(["-", "web", 1.0, None, 2.0])


def test_a_feature_that_is_not_there_is_named(models: dict[str, LoadedModel]) -> None:
    """When the scorer is made, not when it is asked."""
    with pytest.raises(DataError, match="the model takes features that are not there: age"):
        models["lightgbm"].scorer(["kind", "amount [EUR]"])
