"""How every figure looks: few lines, words beside the data, colours that everyone can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

INK = "#1b1b1b"
QUIET = "#6f6f6f"
FAINT = "#d9d9d9"
PAPER = "#ffffff"
# Okabe and Ito's colours, which people with any colour vision tell apart; the winner has the first.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
DASHES: Sequence[Any] = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (8, 3)), (0, (3, 1)))
WIDTH, HEIGHT = 5.2, 3.6
"""Inches; a report scales the figure to its column."""
WIDE = 2 * WIDTH

SETTINGS = {
    "font.size": 10,
    "axes.titlesize": 10,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "axes.unicode_minus": False,
    "figure.facecolor": PAPER,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.solid_capstyle": "round",
}


def new_axes(height: float = HEIGHT, width: float = WIDTH) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; no window or global state comes with it."""
    with rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def looks(names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each candidate with the look of its line: the first, the winner, stands out."""
    for number, name in reversed(list(enumerate(names))):
        place = number % len(SERIES)
        width = 2.2 if number == 0 else 1.3
        yield name, {"color": SERIES[place], "linestyle": DASHES[place], "linewidth": width, "label": name}


def legend(axes: Axes, **where: Any) -> None:
    """Name the lines, the winner first."""
    handles, labels = axes.get_legend_handles_labels()
    with rc_context(SETTINGS):
        axes.legend(handles[::-1], labels[::-1], labelcolor=INK, handlelength=2.6, **where)
