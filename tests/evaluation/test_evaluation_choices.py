"""The threshold, the precision of what people look at, slices and curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from headrace.declaration.modelling import Evaluation
from headrace.errors import ConfigError, DataError
from headrace.evaluation import (
    choose_threshold,
    curves,
    judging,
    period_numbers,
    precision_at,
    recall_at_budget,
)
from headrace.evaluation.binary import BinaryJudge
from headrace.evaluation.expressions import is_knowable, lost_amounts
from headrace.tasks import read_task

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(ROWS, st.floats(0.001, 0.999))
@settings(deadline=None)
def test_no_threshold_within_the_budget_has_more_recall(rows, budget):
    """Of all thresholds that flag few enough negatives, the chosen one has the largest recall and flags the fewest."""
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    chosen = choose_threshold(labels, scores, budget)

    def rates(threshold):
        flagged = scores >= threshold
        return flagged[labels == 1].mean(), flagged[labels == 0].mean()

    within = [rates(threshold) for threshold in [*range(11)] if rates(threshold)[1] <= budget]
    most = max(recall for recall, _ in within)
    assert rates(chosen) == (most, min(rate for recall, rate in within if recall == most))
    assert recall_at_budget(labels, scores, budget) == most


def test_a_threshold_does_not_hang_on_the_last_digits_of_scores():
    """It is the shortest number that tells flagged from not, so noise of other processors leaves it alone."""
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.91234567, 0.41276543, 0.40999999, 0.0123])
    assert choose_threshold(labels, scores, 0.1) == 0.41
    assert choose_threshold(labels, scores * (1 + 1e-12), 0.1) == 0.41
    tiny = np.array([3e-7, 2.5e-7, 2.4e-7, 1e-9])
    assert 2.4e-7 < choose_threshold(labels, tiny, 0.1) <= 2.5e-7


def test_where_the_highest_scores_tie_past_the_budget_nothing_is_flagged():
    """Rows of one score cannot be told apart, so they are flagged together or not at all."""
    labels, scores = np.array([1, 0, 0, 0]), np.array([0.9, 0.9, 0.1, 0.1])
    threshold = choose_threshold(labels, scores, 0.1)
    assert threshold > 0.9
    assert recall_at_budget(labels, scores, 0.1) == 0


def handbook_card_precision(frame, top_k):
    """Compute the card precision as the handbook's `card_precision_top_k` does, removing detected cards."""
    detected, each_day = [], []
    for day in sorted(frame["day"].unique()):
        cards = frame[(frame["day"] == day) & ~frame["card"].isin(detected)]
        cards = cards.groupby("card").max().sort_values(by="score", ascending=False).reset_index(drop=False)
        top = cards.head(top_k)
        found = list(top[top["label"] == 1]["card"])
        each_day.append(len(found) / top_k)
        detected.extend(found)
    return np.mean(each_day)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_precision_at_is_the_card_precision_of_the_handbook(seed, count):
    """A card counts once a day with its highest score, and no more once it was found."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "day": generator.integers(0, 5, 300),
            "card": generator.integers(0, 25, 300),
            "label": generator.integers(0, 10, 300) == 0,
            "score": generator.random(300),
        }
    )
    ours = precision_at(*(frame[name].to_numpy() for name in ("label", "score", "card", "day")), count)
    assert ours == pytest.approx(handbook_card_precision(frame, count), abs=1e-12)


def test_periods_start_at_midnight():
    """A period of a day is a calendar day, whenever the first row came."""
    times = np.array(["2024-03-01T23:59", "2024-03-02T00:00", "2024-03-02T23:59"], dtype="datetime64[us]")
    assert period_numbers(times, 86_400_000_000).tolist() == [0, 1, 1]


def test_slices_cover_all_rows_once():
    """Each value, each quarter of a number with many values and the missing ones are counted, and add up."""
    generator = np.random.default_rng(0)
    labels, scores = generator.integers(0, 2, 400), generator.random(400)
    columns = {
        "text": pa.chunked_array([[None, "b", "a", "a"] * 100]),
        "few": pa.chunked_array([[1.0, 0.0, None, 2.5] * 100]),
        "many": pa.chunked_array([[None, *generator.random(399)]]),
    }
    for column in columns.values():
        parts = slice_metrics(column, labels, scores)
        assert sum(part["rows"] for part in parts) == 400
        assert sum(part["positives"] for part in parts) == labels.sum()
        assert parts[-1]["value"] == "missing"
    assert [part["value"] for part in slice_metrics(columns["few"], labels, scores)] == [
        "0",
        "1",
        "2.5",
        "missing",
    ]
    assert [part["value"] for part in slice_metrics(columns["text"], labels, scores)] == ["a", "b", "missing"]
    assert len(slice_metrics(columns["many"], labels, scores)) == 5


def test_a_slice_of_one_class_has_no_average_precision():
    """It is shown with what can be known of it."""
    parts = slice_metrics(pa.chunked_array([["a", "b", "b"]]), np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9]))
    assert [part["average_precision"] for part in parts] == [None, 1.0]


def slice_metrics(column, labels, scores):
    """Return the metrics of a column's slices, at a threshold of a half."""
    judge = BinaryJudge(read_task({}), Evaluation(metric="roc_auc", slices=["column"]))
    rows = judging.TestRows(judging.Rows(labels), pa.table({"column": column}), None, None)
    return judge.slices(rows, scores, 0.5)["column"]


def test_thinned_curves_keep_their_area():
    """A curve of 500 points has the area of the full one to 0.001, however rare positives are."""
    generator = np.random.default_rng(0)
    labels = (generator.random(50_000) < 0.01).astype(int)
    scores = 1 / (1 + np.exp(-generator.normal(size=50_000) - 3 * labels))
    roc = curves.roc(labels, scores)
    assert len(roc) <= 500
    area = np.trapezoid(roc["recall"], roc["false_positive_rate"])
    assert area == pytest.approx(theirs.roc_auc_score(labels, scores), abs=1e-3)
    points = curves.precision_recall(labels, scores)
    area = np.sum(np.diff(points["recall"], prepend=0) * points["precision"])
    assert area == pytest.approx(theirs.average_precision_score(labels, scores), abs=5e-3)


def test_costs_at_a_threshold_lie_on_the_curve_and_none_is_below_the_best():
    """What is missed and what is flagged in vain add up, and the best threshold in hindsight is no dearer."""
    generator = np.random.default_rng(0)
    labels, scores = generator.integers(0, 2, 500), generator.integers(0, 50, 500) / 50
    lost = np.where(labels, generator.integers(1, 100, 500), 0).astype(float)
    money = curves.cost_at(labels, scores, lost, 7, 0.5)
    flagged = scores >= 0.5
    assert money["at_threshold"] == lost[~flagged].sum() + 7 * (flagged & (labels == 0)).sum()
    assert money["flagging_none"] == lost.sum()
    every = [lost[scores < t].sum() + 7 * ((scores >= t) & (labels == 0)).sum() for t in np.arange(52) / 50]
    assert money["best"] == min(every)


def test_calibration_bins_hold_all_rows():
    """Each has a tenth of the rows, the last tenth is cut further; the error of perfect probabilities is near zero."""
    generator = np.random.default_rng(0)
    scores = generator.random(40_000)
    labels = generator.random(40_000) < scores
    bins = curves.calibration(labels, scores)
    assert np.allclose(bins["rows"], [4000] * 9 + [3600, 200, 160, 40], atol=1)
    assert bins["rows"].sum() == 40_000
    assert curves.calibration_error(bins) < 0.02
    assert curves.calibration_error(curves.calibration(labels, np.sqrt(scores))) > 0.1


def test_a_constant_score_makes_one_calibration_bin():
    """Rows that cannot be told apart are in one bin."""
    bins = curves.calibration(np.array([0, 1]), np.array([0.5, 0.5]))
    assert bins.to_dict("list") == {"predicted": [0.5], "observed": [0.5], "rows": [2]}


def test_a_missing_cost_of_a_positive_row_is_refused():
    """An amount that is not known cannot be added up; that of a negative row is never asked for."""
    rows = pa.table({"amount": [None, 5.0]})
    assert lost_amounts("amount", rows, np.array([0, 1])).tolist() == [0, 5]
    with pytest.raises(DataError, match="'amount' is missing or negative in 1 positive rows"):
        lost_amounts("amount", rows, np.array([1, 1]))
    with pytest.raises(ConfigError, match="cannot be computed: Permission Error"):
        is_knowable("(SELECT count(*) FROM read_text('/etc/hostname')) > 0", rows)
    with pytest.raises(ConfigError, match="'other' cannot be computed"):
        is_knowable("other", rows)
    assert is_knowable("amount > 1", rows).tolist() == [False, True]
