"""Bars and tiles: what a candidate goes by, how its scores lie, what its decisions came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, PercentFormatter

from headrace.plots.style import FAINT, INK, QUIET, SERIES, legend, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from headrace.metrics.ranking import Array

MOST_FEATURES = 20
BINS = 40
CELLS = (("tp", "found", 0, 1), ("fn", "missed", 0, 0), ("fp", "flagged in vain", 1, 1), ("tn", "rightly left", 1, 0))


def importance(points: pd.DataFrame) -> Figure:
    """Draw the features that a candidate goes by most."""
    top = points.head(MOST_FEATURES)[::-1]
    figure, axes = new_axes(height=0.9 + 0.22 * len(top))
    axes.barh(top["feature"], top["importance"], color=SERIES[0], height=0.68)
    axes.set_xlabel("Share of all importance")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
    axes.spines["left"].set_visible(False)
    axes.margins(y=0.01)
    return figure


def confusion(counts: Mapping[str, int]) -> Figure:
    """Draw the four outcomes of a decision, shaded by their share of the actual class."""
    figure, axes = new_axes(height=2.7)
    actual = {0: counts["tp"] + counts["fn"], 1: counts["fp"] + counts["tn"]}
    for cell, words, row, column in CELLS:
        share = counts[cell] / actual[row] if actual[row] else 0.0
        axes.barh(row, 0.97, left=1 - column, height=0.95, color=SERIES[0], alpha=0.08 + 0.37 * share, linewidth=0)
        middle = 1 - column + 0.485
        axes.text(middle, row - 0.12, f"{counts[cell]:,}", ha="center", va="center", fontsize=15, color=INK)
        axes.text(middle, row + 0.2, f"{words}, {_share(share)}", ha="center", va="center", fontsize=9, color=QUIET)
    axes.set(xticks=[0.485, 1.485], yticks=[0, 1], xlim=(0, 1.97), ylim=(1.5, -0.5))
    axes.set_xticklabels(["flagged", "not flagged"])
    axes.set_yticklabels(["positive", "negative"])
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.tick_params(labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def scores(labels: Array, values: Array, threshold: float) -> Figure:
    """Draw how the scores of positives and of negatives lie."""
    figure, axes = new_axes()
    edges = np.linspace(0, 1, BINS + 1)
    for label, name, color in ((0, "negatives", FAINT), (1, "positives", SERIES[0])):
        counts = np.histogram(values[labels == label], edges)[0] / max(1, int((labels == label).sum()))
        axes.stairs(counts, edges, fill=True, color=color, alpha=0.9 if label == 0 else 0.45, label=name)
    axes.axvline(threshold, color=INK, linewidth=1)
    near: dict[str, Any] = {"xytext": (4, -2), "ha": "left"}
    side = near if threshold < 0.7 else {"xytext": (-4, -2), "ha": "right"}
    axes.annotate(
        f"threshold {threshold:.3g}", (threshold, 1), xycoords=("data", "axes fraction"), va="top",
        textcoords="offset points", color=INK, fontsize=9, **side,
    )  # fmt: skip
    axes.set(xlabel="Score: predicted probability", ylabel="Share of the class, in steps of 0.025")
    axes.set(xlim=(0, 1), yscale="log", ylim=(1e-5 if len(labels) > 20_000 else 1e-3, 1.5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))
    axes.minorticks_off()
    legend(axes, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def _share(share: float) -> str:
    return f"{100 * share:.2f} %" if 0 < min(share, 1 - share) < 0.1 else f"{100 * share:.1f} %"
