"""Rows by day, and which of them trained, chose and judged."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter

from headrace.plots.style import FAINT, INK, QUIET, SERIES, WIDE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY = re.compile(r"\d{4}-\d\d-\d\d")
LANE = 0.13
"""The height of a period's lane, in parts of the highest bar."""


def timeline(validation: dict[str, Any], summary: dict[str, Any]) -> Figure | None:
    """Draw the rows of each day, and below them the periods; None where rows have no time.

    Args:
        validation: The content of `validation.json`.
        summary: The content of `evaluation.json`.
    """
    if "from" not in summary["test"]:
        return None
    figure, axes = new_axes(height=2.7, width=WIDE)
    # Rows whose time cannot be read are in a part that is no day.
    parts = {name: part for name, part in validation["parts"].items() if DAY.fullmatch(name)}
    days = np.array(list(parts), dtype="datetime64[D]")
    rows = np.array([part["rows"] for part in parts.values()])
    bad = np.array([part["rejected"] for part in parts.values()])
    axes.bar(days, rows - bad, align="edge", width=1, color=FAINT)
    if bad.any():
        axes.bar(days, bad, bottom=rows - bad, align="edge", width=1, color=SERIES[1])
    top = max(int(rows.max()), 1)
    train = summary["candidates"][summary["winner"]]["fit"]["train"]
    lane = LANE * top
    axes.set(ylim=(-3.6 * lane, 1.12 * top), ylabel="Rows a day", xlim=(days.min(), days.max() + 1))
    _lane(axes, "train", [train], (-1 * lane, lane), SERIES[0])
    _lane(axes, "validate", summary["validation"], (-2 * lane, lane), SERIES[2])
    _lane(axes, "test", [summary["test"]], (-3 * lane, lane), SERIES[1])
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    locator = AutoDateLocator(maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    return figure


def _lane(axes: Axes, name: str, periods: list[dict[str, Any]], place: tuple[float, float], color: str) -> None:
    middle, height = place
    spans = [(datetime.fromisoformat(each["from"]), datetime.fromisoformat(each["until"])) for each in periods]
    for since, until in spans:
        width = np.timedelta64(until - since)
        axes.barh(
            middle, width, left=np.datetime64(since), height=0.62 * height, color=color, alpha=0.85, linewidth=0.4
        )
    first = min(since for since, _ in spans)
    axes.annotate(
        name, (np.datetime64(first), middle), xytext=(-4, 0), textcoords="offset points",
        ha="right", va="center", fontsize=9, color=INK,
    )  # fmt: skip
