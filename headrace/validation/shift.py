"""Has a column's mean moved away from its history?

The classic test (more than three standard errors from the earlier mean) cries wolf on big days: with ten thousand rows
a standard error is a hundredth of the standard deviation, and harmless differences between days are many of them.
What tells whether a day is unusual is how much days differ from each other. So each day's mean is one observation,
and it is compared with those of up to 56 days before it (eight whole weeks, so that every weekday weighs the same) by
the modified z-score of Iglewicz and Hoaglin (1993, How to Detect and Handle Outliers, ASQC, section 3.4):

    score = (mean - median of earlier means) / (1.4826 * median absolute deviation of earlier means)

in robust standard deviations; earlier outliers, even a third of the days, hardly change it. The scale is never below
the day's own standard error: a day of few rows has a wide mean, and earlier days may agree by chance. Fewer than 14
earlier days are no history.

Iglewicz and Hoaglin call 3.5 an outlier. That is for looking at: a median absolute deviation of 14 days is itself
uncertain, and a hundred days with several columns each give many chances. To stop on, 8 is far enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headrace.validation.counting import Moments

LONGEST_HISTORY = 56
SHORTEST_HISTORY = 14
NORMAL_MAD = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""
SMALLEST_SCALE = 1e-9
"""In parts of the median: a column that never varied must still not divide by nothing."""


def mean_shifts(days: list[Moments]) -> list[float | None]:
    """Return each day's score against the days before it, or None where they are too few or the day is empty.

    Args:
        days: a column's valid values, day by day in order.
    """
    scores: list[float | None] = []
    means: list[float] = []
    for day in days:
        scores.append(_score(day, np.array(means[-LONGEST_HISTORY:])))
        if day.count:
            means.append(day.mean)
    return scores


def _score(day: Moments, earlier: np.ndarray) -> float | None:
    if not day.count or len(earlier) < SHORTEST_HISTORY:
        return None
    median = float(np.median(earlier))
    spread = NORMAL_MAD * float(np.median(np.abs(earlier - median)))
    error = day.standard_error if day.count > 1 else 0.0
    scale = max(spread, error, SMALLEST_SCALE * max(abs(median), 1.0))
    return (day.mean - median) / scale
