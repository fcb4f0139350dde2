"""Metrics of classes and of numbers equal scikit-learn's, weighted or not, with ties or without."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from headrace.errors import DataError
from headrace.metrics import GREATER_IS_BETTER, METRICS, weighted

CLASSES = 3
MULTICLASS = {
    "log_loss": lambda y, p, w: theirs.log_loss(y, p, labels=range(CLASSES), sample_weight=w),
    "accuracy": lambda y, p, w: theirs.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: theirs.balanced_accuracy_score(y, p.argmax(axis=1), sample_weight=w),
    "f1_macro": lambda y, p, w: theirs.f1_score(y, p.argmax(axis=1), average="macro", sample_weight=w),
    "roc_auc_ovr": lambda y, p, w: theirs.roc_auc_score(y, p, multi_class="ovr", sample_weight=w),
}
REGRESSION = {
    "rmse": lambda y, p, w: theirs.root_mean_squared_error(y, p, sample_weight=w),
    "mae": lambda y, p, w: theirs.mean_absolute_error(y, p, sample_weight=w),
    "median_absolute_error": lambda y, p, w: theirs.median_absolute_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: theirs.r2_score(y, p, sample_weight=w),
}
# Few distinct values make ties common.
PARTS = st.tuples(*[st.integers(1, 4)] * CLASSES)
OF_CLASSES = st.lists(st.tuples(st.integers(0, CLASSES - 1), PARTS, st.integers(1, 3)), max_size=40)
# Six decimals: labels that differ by less than that may have squares that do not.
NUMBERS = st.one_of(st.integers(-3, 3), st.floats(-1e3, 1e3).map(lambda number: round(number, 6)))
OF_NUMBERS = st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 3)), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _, weight in rows if weight}) > 1
)


@given(OF_CLASSES)
@settings(deadline=None)
def test_metrics_of_classes_equal_those_of_scikit_learn(rows):
    """To 1e-12, for plain rows and for weighted ones; each class has a row."""
    rows = [*rows, *((each, (1, 2, 3), 1) for each in range(CLASSES))]
    labels, parts, weights = (np.array(column) for column in zip(*rows, strict=True))
    scores = parts / parts.sum(axis=1, keepdims=True)
    assert set(METRICS["multiclass"]) == set(MULTICLASS)
    for name, theirs_of in MULTICLASS.items():
        ours = METRICS["multiclass"][name](labels, scores), weighted("multiclass", name, labels, scores)(weights)
        assert ours == pytest.approx((theirs_of(labels, scores, None), theirs_of(labels, scores, weights)), abs=1e-12)


@given(OF_NUMBERS)
@settings(deadline=None)
def test_metrics_of_numbers_equal_those_of_scikit_learn(rows):
    """For plain rows, and for weighted ones, of which some weigh nothing as in a resample."""
    labels, predicted, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert set(METRICS["regression"]) == set(REGRESSION)
    for name, theirs_of in REGRESSION.items():
        ours = METRICS["regression"][name](labels, predicted), weighted("regression", name, labels, predicted)(weights)
        expected = theirs_of(labels, predicted, None), theirs_of(labels, predicted, weights)
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_class_without_rows_is_left_out_of_means_over_classes():
    """Judged rows may lack a rare class; of one class alone nothing can be ranked."""
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])
    assert METRICS["multiclass"]["roc_auc_ovr"](np.array([0, 1, 0]), scores) == 1
    with pytest.raises(DataError, match="at least two classes; found 3 rows, 1 distinct"):
        METRICS["multiclass"]["roc_auc_ovr"](np.array([0, 0, 0]), scores)
    assert math.isnan(weighted("multiclass", "roc_auc_ovr", np.array([0, 1, 0]), scores)(np.array([2, 0, 1])))


def test_every_metric_says_which_direction_is_better():
    """The gate and the tuner go by it."""
    assert {name for of_task in METRICS.values() for name in of_task} == set(GREATER_IS_BETTER)
