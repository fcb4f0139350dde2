"""Metrics equal scikit-learn's, weighted or not, with ties or without."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from headrace.errors import ConfigError, DataError
from headrace.metrics import (
    DECISION_METRICS,
    METRICS,
    confusion,
    resample_weights,
    weighted,
)

THEIRS = {
    "average_precision": theirs.average_precision_score,
    "roc_auc": theirs.roc_auc_score,
    "log_loss": lambda y, s, sample_weight=None: theirs.log_loss(y, s, labels=[0, 1], sample_weight=sample_weight),
    "brier": lambda y, s, sample_weight=None: theirs.brier_score_loss(y, s, labels=[0, 1], sample_weight=sample_weight),
}
# Few distinct scores make ties common; the others are any probabilities.
SCORES = st.one_of(st.integers(0, 4).map(lambda step: step / 4), st.floats(0, 1))
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES, st.integers(0, 3)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _, weight in rows if weight}) == 2
)


@given(ROWS)
@settings(deadline=None)
def test_metrics_equal_those_of_scikit_learn(rows):
    """Each metric is scikit-learn's to 1e-12, for plain rows and for weighted ones."""
    labels, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    for name, theirs_of in THEIRS.items():
        assert math.isclose(METRICS["binary"][name](labels, scores), theirs_of(labels, scores), abs_tol=1e-12)
        expected = theirs_of(labels, scores, sample_weight=weights)
        assert math.isclose(weighted("binary", name, labels, scores)(weights), expected, abs_tol=1e-12)


@given(ROWS, st.floats(0, 1))
@settings(deadline=None)
def test_decisions_equal_those_of_scikit_learn(rows, threshold):
    """A score that reaches the threshold is flagged; precision, recall, F1 and accuracy are scikit-learn's."""
    labels, scores, _ = (np.array(column) for column in zip(*rows, strict=True))
    counts = confusion(labels, scores, threshold)
    flagged = scores >= threshold
    tn, fp, fn, tp = theirs.confusion_matrix(labels, flagged, labels=[0, 1]).ravel()
    assert counts == (tp, fp, fn, tn)
    ours = {name: metric(counts) for name, metric in DECISION_METRICS.items()}
    assert math.isclose(ours["f1"], theirs.f1_score(labels, flagged, zero_division=0))
    assert math.isclose(ours["precision"], theirs.precision_score(labels, flagged, zero_division=0))
    assert math.isclose(ours["recall"], theirs.recall_score(labels, flagged, zero_division=0))
    assert math.isclose(ours["accuracy"], theirs.accuracy_score(labels, flagged))
    assert math.isclose(ours["false_positive_rate"], fp / (fp + tn))


def test_a_resample_counts_each_row_as_often_as_it_was_drawn():
    """Bootstrap values are the metric of the rows repeated by their weights, and repeat with the seed."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 200)
    scores = generator.integers(0, 20, 200) / 20
    weights = list(resample_weights(200, 5, seed=3))
    value = weighted("binary", "average_precision", labels, scores)
    values = np.array([value(each) for each in weights])
    expected = [theirs.average_precision_score(labels.repeat(w), scores.repeat(w)) for w in weights]
    assert np.allclose(values, expected, rtol=0, atol=1e-12)
    assert all(w.sum() == 200 for w in weights)
    assert np.array_equal(weights, list(resample_weights(200, 5, seed=3)))


def test_a_resample_without_a_class_has_no_value():
    """NaN stands for what cannot be known, so that one unlucky resample does not end the comparison."""
    labels, scores = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3])
    for metric in ("average_precision", "roc_auc"):
        assert np.isnan(weighted("binary", metric, labels, scores)(np.array([2, 1, 0])))


def test_labels_of_one_class_are_refused():
    """The message says which metric and what was found."""
    with pytest.raises(DataError, match="roc_auc needs rows of both classes; found 3 rows, 0 of them positive"):
        METRICS["binary"]["roc_auc"](np.zeros(3), np.array([0.1, 0.2, 0.3]))


def test_an_unknown_metric_is_refused_with_the_choices():
    """The message names the key and what could be chosen."""
    with pytest.raises(ConfigError, match="'auc' is no metric of a binary target; choose one of average_precision"):
        weighted("binary", "auc", np.zeros(1), np.zeros(1))


def test_scores_that_are_no_numbers_are_refused():
    """A NaN has no place in an order."""
    with pytest.raises(DataError, match="1 of 2 are no finite numbers"):
        METRICS["binary"]["roc_auc"](np.array([0, 1]), np.array([0.1, np.nan]))
