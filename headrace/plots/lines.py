"""Curves over all thresholds: one line a candidate, a dot where the chosen threshold is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, PercentFormatter

from headrace.plots.style import PAPER, QUIET, legend, looks, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL = 0.05
"""A share below this is drawn on a logarithmic axis: on a linear one it could not be seen."""


def roc(points: pd.DataFrame, names: Sequence[str], summary: dict[str, Any]) -> Figure:
    """Draw recall over the false positive rate."""
    figure, axes = new_axes()
    budget, negatives = summary["false_positive_budget"], summary["test"]["rows"] - summary["test"]["positives"]
    small = budget < SMALL
    floor = 0.5 / negatives if small else 0.0
    for name, look in looks(names):
        own = points[points["candidate"] == name]
        axes.plot(own["false_positive_rate"].clip(lower=floor), own["recall"], **look)
        test = summary["candidates"][name]["test"]
        _dot(axes, max(test["false_positive_rate"], floor), test["recall"], look["color"])
    axes.axvline(budget, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    side = {"xytext": (-4, 4), "ha": "right"} if small else {"xytext": (4, 4), "ha": "left"}
    axes.annotate("budget", (budget, 0), textcoords="offset points", color=QUIET, fontsize=9, **side)
    axes.set(xlabel="False positive rate: share of negatives flagged", ylabel="Recall: share of positives found")
    axes.set_ylim(0, 1.02)
    if small:
        axes.set_xscale("log")
        axes.set_xlim(floor, 1)
    else:
        axes.set_xlim(0, 1)
    _percent(axes, x=True, y=True)
    legend(axes, loc="upper left" if small else "lower right")
    return figure


def precision_recall(points: pd.DataFrame, names: Sequence[str], summary: dict[str, Any]) -> Figure:
    """Draw precision over recall."""
    figure, axes = new_axes()
    for name, look in looks(names):
        own = points[points["candidate"] == name]
        axes.plot(own["recall"], own["precision"], drawstyle="steps-pre", **look)
        test = summary["candidates"][name]["test"]
        _dot(axes, test["recall"], test["precision"], look["color"])
    test_rows = summary["test"]
    base = test_rows["positives"] / test_rows["rows"]
    axes.axhline(base, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.annotate(
        "by chance", (1, base), xytext=(0, 4), textcoords="offset points", color=QUIET, fontsize=9, ha="right"
    )
    if test_rows["knowable_positives"]:
        most = test_rows["knowable_positives"] / test_rows["positives"]
        axes.axvline(most, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate("knowable", (most, 1), xytext=(4, -9), textcoords="offset points", color=QUIET, fontsize=9)
    axes.set(xlabel="Recall: share of positives found", ylabel="Precision: share of flagged that are positive")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _percent(axes, x=True, y=True)
    legend(axes, loc="lower left")
    return figure


def calibration(points: pd.DataFrame, names: Sequence[str], summary: dict[str, Any]) -> Figure:
    """Draw the observed share of positives over the predicted probability, in bins of as many rows."""
    figure, axes = new_axes()
    small = summary["test"]["positives"] / summary["test"]["rows"] < SMALL
    floor = 0.2 / points["rows"].max() if small else 0.0
    top = 1.0 if small else max(0.1, float(points[["predicted", "observed"]].to_numpy().max()) * 1.05)
    axes.plot([floor, top], [floor, top], color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    for name, look in looks(names):
        own = points[points["candidate"] == name]
        x, y = own["predicted"].clip(lower=floor), own["observed"].clip(lower=floor)
        axes.plot(x, y, marker="o", markersize=4, **look)
    axes.set(xlabel="Predicted probability, mean of a bin", ylabel="Share of positives in the bin")
    if small:
        axes.set(xscale="log", yscale="log")
    axes.set(xlim=(floor, top), ylim=(floor, top))
    _percent(axes, x=True, y=True)
    legend(axes, loc="upper left")
    return figure


def cost(points: pd.DataFrame, names: Sequence[str], summary: dict[str, Any]) -> Figure:
    """Draw what decisions cost over how many rows are flagged."""
    figure, axes = new_axes()
    rows = summary["test"]["rows"]
    for name, look in looks(names):
        own = points[(points["candidate"] == name) & (points["flagged"] > 0)]
        axes.plot(own["flagged"] / rows, own["cost"], **look)
        one = summary["candidates"][name]
        flagged = one["confusion"]["tp"] + one["confusion"]["fp"]
        if flagged:
            _dot(axes, flagged / rows, one["cost"]["at_threshold"], look["color"])
    none = summary["candidates"][names[0]]["cost"]["flagging_none"]
    axes.axhline(none, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.annotate(
        "flagging none", (1, none), xytext=(0, 4), textcoords="offset points", color=QUIET, fontsize=9, ha="right"
    )
    axes.set(xlabel="Share of rows flagged", ylabel="Cost over the test rows", xscale="log")
    axes.set(xlim=(min(1 / rows, 1e-3), 1), ylim=(0, 1.8 * none or 1))
    _percent(axes, x=True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    legend(axes, loc="upper left")
    return figure


def _dot(axes: Axes, x: float, y: float, color: str) -> None:
    axes.plot([x], [y], marker="o", markersize=7, color=color, markeredgecolor=PAPER, markeredgewidth=1.2, zorder=5)


def _percent(axes: Axes, *, x: bool = False, y: bool = False) -> None:
    for wanted, axis, scale in ((x, axes.xaxis, axes.get_xscale()), (y, axes.yaxis, axes.get_yscale())):
        if wanted and scale == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))
            axis.minorticks_off()
        elif wanted:
            axis.set_major_formatter(PercentFormatter(1.0))
