"""The test of a day's mean against its history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.validation.counting import Moments
from headrace.validation.shift import SHORTEST_HISTORY, mean_shifts

STOPPING = 8.0


def history(seed: int, count: int, rows: int, between: float = 0.0) -> list[Moments]:
    """Return days of stationary rows whose levels differ by `between` standard deviations."""
    random = np.random.default_rng(seed)
    levels = random.normal(0, between, count)
    return [Moments(rows, level + random.normal() / rows**0.5, float(rows - 1)) for level in levels]


@pytest.mark.parametrize("rows", [50, 10_000, 1_000_000])
@pytest.mark.parametrize("between", [0.0, 0.05])
def test_days_that_differ_by_chance_raise_no_alarm(rows: int, between: float) -> None:
    """In 100 columns of 100 days, at most one day in a thousand, whatever the number of rows.

    With a million rows and days that differ by a twentieth of a standard deviation, three standard errors are passed
    nearly every day.
    """
    scores = [
        score for seed in range(100) for score in mean_shifts(history(seed, 100, rows, between)) if score is not None
    ]
    assert np.mean(np.abs(scores) > STOPPING) < 0.001


@given(seed=st.integers(0, 10**6), rows=st.sampled_from([500, 10_000, 1_000_000]), sign=st.sampled_from([-1, 1]))
@settings(deadline=None, max_examples=50)
def test_a_day_that_moved_is_found(seed: int, rows: int, sign: int) -> None:
    """By two standard deviations, after four weeks; even where some earlier days were off as well."""
    earlier = history(seed, 28, rows, between=0.03)
    for odd in range(0, 28, 4):
        earlier[odd] = Moments(rows, earlier[odd].mean + 5, rows - 1)
    score = mean_shifts([*earlier, Moments(rows, 2.0 * sign, rows - 1)])[-1]
    assert score is not None
    assert score * sign > STOPPING


def test_a_day_has_a_score_only_after_enough_days_with_rows() -> None:
    """Empty days are no history, and have no score."""
    alike = [Moments(10, 1.0, 9.0)] * SHORTEST_HISTORY
    assert mean_shifts([*alike[1:], Moments(), *alike[:2]]) == [None] * (SHORTEST_HISTORY + 1) + [0.0]


def test_a_column_that_never_varied_and_now_does_is_far_away() -> None:
    """The distance is large and finite."""
    score = mean_shifts([*[Moments(10, 0.0, 0.0)] * SHORTEST_HISTORY, Moments(10, 1.0, 0.0)])[-1]
    assert score is not None
    assert STOPPING < score < 1e12


def test_a_day_of_few_rows_is_not_far_away_by_chance() -> None:
    """Its own standard error is the least scale."""
    earlier = history(1, 30, 10_000)
    score = mean_shifts([*earlier, Moments(4, 1.0, 3.0)])[-1]
    assert score is not None
    assert abs(score) < 3


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), cut=st.integers(0, 30))
@settings(deadline=None)
def test_moments_add_up(values: list[float], cut: int) -> None:
    """Pieces of a part taken together are the part."""
    import pyarrow as pa

    whole = Moments.of(pa.chunked_array([pa.array(values)]))
    pieces = Moments.of(pa.chunked_array([pa.array(values[:cut], pa.float64())])) + Moments.of(
        pa.chunked_array([pa.array(values[cut:], pa.float64())])
    )
    assert pieces.count == whole.count
    assert pieces.mean == pytest.approx(whole.mean, abs=1e-6)
    assert pieces.squares == pytest.approx(whole.squares, rel=1e-6, abs=1e-3)
