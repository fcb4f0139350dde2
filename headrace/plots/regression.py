"""Figures of a number: predicted against actual, errors, and where they are large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter

from headrace.plots.style import QUIET, SERIES, legend, looks, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTTED = (0, (2, 2))


def predictions(points: pd.DataFrame) -> Figure:
    """Draw what was predicted over what is true, a dot a row."""
    figure, axes = new_axes()
    both = points[["predicted", "actual"]].to_numpy()
    ends = [float(both.min()), float(both.max())]
    axes.plot(ends, ends, color=QUIET, linewidth=0.8, linestyle=DOTTED)
    _dots(axes, points["actual"], points["predicted"])
    axes.set(xlabel="Actual", ylabel="Predicted")
    _plain(axes)
    return figure


def residuals(points: pd.DataFrame) -> Figure:
    """Draw the error over what was predicted, a dot a row."""
    figure, axes = new_axes()
    axes.axhline(0, color=QUIET, linewidth=0.8, linestyle=DOTTED)
    _dots(axes, points["predicted"], points["error"])
    axes.set(xlabel="Predicted", ylabel="Error: predicted less actual")
    _plain(axes)
    return figure


def deciles(points: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw the mean absolute error in ten parts of rows, by rising prediction."""
    figure, axes = new_axes()
    for name, look in looks(names):
        own = points[points["candidate"] == name]
        axes.plot(own["predicted"], own["mae"], marker="o", markersize=4, **look)
    axes.set(xlabel="Predicted, mean of a tenth of the rows", ylabel="Mean absolute error")
    axes.set_ylim(bottom=0)
    _plain(axes)
    legend(axes, loc="upper left")
    return figure


def _dots(axes: Axes, x: pd.Series[float], y: pd.Series[float]) -> None:
    axes.plot(x, y, linestyle="none", marker="o", markersize=3, color=SERIES[0], alpha=0.45, markeredgewidth=0)


def _plain(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
