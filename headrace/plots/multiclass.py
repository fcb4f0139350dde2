"""Figures of one of three or more: each class against the rest, which is taken for which, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import PercentFormatter

from headrace.plots.style import INK, QUIET, SERIES, legend, looks, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 6
"""More lines could not be told apart: the classes of the most rows have one."""
MOST_NUMBERS = 12
"""With more classes a cell has no room for its number."""


def roc(points: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Draw recall over the false positive rate, for each class against the rest."""
    figure, axes = new_axes()
    for name, look in looks(_drawn(points, classes)):
        own = points[points["class"] == name]
        axes.plot(own["false_positive_rate"], own["recall"], **look)
    axes.set(
        xlabel="False positive rate: share of other classes taken for it", ylabel="Recall: share of the class found"
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _percent(axes)
    legend(axes, loc="lower right")
    return figure


def precision_recall(points: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Draw precision over recall, for each class against the rest."""
    figure, axes = new_axes()
    for name, look in looks(_drawn(points, classes)):
        own = points[points["class"] == name]
        axes.plot(own["recall"], own["precision"], drawstyle="steps-pre", **look)
    axes.set(xlabel="Recall: share of the class found", ylabel="Precision: share of what is said that is right")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _percent(axes)
    legend(axes, loc="lower left")
    return figure


def calibration(points: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw how often the predicted class is right over how probable it was said to be, in bins of as many rows."""
    figure, axes = new_axes()
    floor = max(0.0, float(points[["predicted", "observed"]].to_numpy().min()) - 0.05)
    axes.plot([floor, 1], [floor, 1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    for name, look in looks(names):
        own = points[points["candidate"] == name]
        axes.plot(own["predicted"], own["observed"], marker="o", markersize=4, **look)
    axes.set(xlabel="Probability of the predicted class, mean of a bin", ylabel="Share of the bin that is right")
    axes.set(xlim=(floor, 1.01), ylim=(floor, 1.01))
    _percent(axes)
    legend(axes, loc="upper left")
    return figure


def confusion(cells: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Draw how many rows of each class were taken for each, shaded by their share of the class."""
    size = len(classes)
    figure, axes = new_axes(height=1.1 + min(0.42 * size, 6.0))
    for down, of_class in enumerate(cells):
        total = max(sum(of_class), 1)
        for across, rows in enumerate(of_class):
            share = rows / total
            axes.barh(down, 0.96, left=across, height=0.94, color=SERIES[0], alpha=0.05 + 0.4 * share, linewidth=0)
            if size <= MOST_NUMBERS:
                color = INK if rows else QUIET
                axes.text(across + 0.48, down, f"{rows:,}", ha="center", va="center", fontsize=11, color=color)
    axes.set(xlim=(0, size), ylim=(size - 0.5, -0.5), xlabel="Taken for", ylabel="Actual class")
    axes.set_xticks(
        [each + 0.48 for each in range(size)], [_short(each) for each in classes], rotation=90 if size > 5 else 0
    )
    axes.set_yticks(range(size), [_short(each) for each in classes])
    axes.grid(visible=False)
    axes.tick_params(labelcolor=INK, labelsize=9)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _drawn(points: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    present = set(points["class"])
    return [each for each in classes if each in present][:MOST_LINES]


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"


def _percent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
