"""What a candidate would do at every threshold, and what its probabilities are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headrace.metrics import steps

if TYPE_CHECKING:
    from headrace.metrics.ranking import Array, Steps

POINTS = 160
"""Points of a curve along each of three axes, so that it has at most 482."""
BIN_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.995, 0.999)
FEWEST_ROWS = 30
"""A bin of fewer rows would say nothing."""


def roc(labels: Array, scores: Array) -> pd.DataFrame:
    """Return recall and false positive rate by threshold, from nothing flagged to everything."""
    counts = steps(labels, scores)
    chosen = _thin(counts)
    first = np.nextafter(counts.thresholds[0], np.inf)
    return pd.DataFrame(
        {
            "false_positive_rate": np.append(0.0, counts.false_positives[chosen] / counts.false_positives[-1]),
            "recall": np.append(0.0, counts.true_positives[chosen] / counts.true_positives[-1]),
            "threshold": np.append(first, counts.thresholds[chosen]),
        }
    )


def precision_recall(labels: Array, scores: Array) -> pd.DataFrame:
    """Return precision and recall by threshold, from the highest score down."""
    counts = steps(labels, scores)
    chosen = _thin(counts)
    hits = counts.true_positives[chosen]
    return pd.DataFrame(
        {
            "recall": hits / counts.true_positives[-1],
            "precision": hits / (hits + counts.false_positives[chosen]),
            "threshold": counts.thresholds[chosen],
        }
    )


def calibration(labels: Array, scores: Array) -> pd.DataFrame:
    """Return the mean score and the share of positives in bins of rows, by rising score.

    Each bin has a tenth of the rows, and the last tenth is cut further, since rare positives all lie there. Rows of
    one score stay in one bin, so bins may be fewer.
    """
    shares = [share for share in BIN_EDGES if len(scores) * (1 - share) >= FEWEST_ROWS]
    edges = np.unique(np.quantile(scores, shares or [0.5], method="inverted_cdf"))
    codes = np.searchsorted(edges, scores)
    rows = np.bincount(codes, minlength=len(edges) + 1)
    held = rows > 0
    predicted = np.bincount(codes, weights=scores, minlength=len(rows))[held] / rows[held]
    observed = np.bincount(codes, weights=labels != 0, minlength=len(rows))[held] / rows[held]
    return pd.DataFrame({"predicted": predicted, "observed": observed, "rows": rows[held]})


def calibration_error(bins: pd.DataFrame) -> float:
    """Return the expected calibration error: how far score and share are apart in a bin, on average over rows."""
    apart = (bins["predicted"] - bins["observed"]).abs()
    return float((apart * bins["rows"]).sum() / bins["rows"].sum())


def cost(labels: Array, scores: Array, lost: Array, false_positive: float) -> pd.DataFrame:
    """Return what decisions cost by threshold, from nothing flagged to everything.

    Args:
        labels: 0 or 1 for each row, (rows,).
        scores: A score for each row, (rows,).
        lost: What each row costs where it is positive and not flagged, (rows,), in money.
        false_positive: What a negative row costs that is flagged, in money.
    """
    counts = steps(labels, scores)
    chosen = _thin(counts)
    order = np.argsort(-scores, kind="stable")
    flagged = counts.true_positives + counts.false_positives
    saved = np.cumsum(lost[order])[flagged - 1]
    total = lost.sum()
    first = np.nextafter(counts.thresholds[0], np.inf)
    costs = total - saved + false_positive * counts.false_positives
    chosen = np.union1d(chosen, [np.argmin(costs)])
    return pd.DataFrame(
        {
            "threshold": np.append(first, counts.thresholds[chosen]),
            "flagged": np.append(0, flagged[chosen]),
            "cost": np.append(total, costs[chosen]),
        }
    )


def cost_at(labels: Array, scores: Array, lost: Array, false_positive: float, threshold: float) -> dict[str, Any]:
    """Return what decisions at a threshold cost, beside flagging nothing and the best threshold in hindsight."""
    missed, vain = cost_of(scores >= threshold, labels != 0, lost, false_positive)
    curve = cost(labels, scores, lost, false_positive)
    best = curve.iloc[int(curve["cost"].to_numpy().argmin())]
    return {
        "at_threshold": missed + vain,
        "missed": missed,
        "flagged_in_vain": vain,
        "flagging_none": float(lost.sum()),
        "best": float(best["cost"]),
        "best_threshold": float(best["threshold"]),
    }


def cost_of(flagged: Array, positive: Array, lost: Array, false_positive: float) -> tuple[float, float]:
    """Return what the positive rows cost that are not flagged, and what the negative ones cost that are."""
    return float(lost[~flagged].sum()), float(false_positive * np.count_nonzero(flagged & ~positive))


def _thin(counts: Steps) -> Array:
    """Choose steps evenly by positives and by negatives, and more closely among the highest scores."""
    flagged = counts.true_positives + counts.false_positives
    wanted = (
        np.searchsorted(counts.true_positives, np.linspace(0, counts.true_positives[-1], POINTS)),
        np.searchsorted(counts.false_positives, np.linspace(0, counts.false_positives[-1], POINTS)),
        np.searchsorted(flagged, np.geomspace(1, flagged[-1], POINTS)),
        [len(flagged) - 1],
    )
    return np.unique(np.concatenate(wanted).clip(max=len(flagged) - 1)).astype(int)
