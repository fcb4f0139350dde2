"""Figures as SVG that takes the page's own font and colours, so that it is at home on light and on dark."""

from __future__ import annotations

import io
import re
import warnings
from html import escape
from typing import TYPE_CHECKING

from matplotlib import rc_context

from headrace.plots.style import FAINT, INK, PAPER, QUIET, SERIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A page defines these; each stands for a colour that no figure uses for anything else.
VARIABLES = {INK: "ink", QUIET: "quiet", FAINT: "faint", PAPER: "paper"} | {
    color: f"series-{number}" for number, color in enumerate(SERIES, start=1)
}
# What would size the figure, bring a font of its own, or reach out of it into the page.
UNWANTED = (
    (r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->\s*", ""),
    (r'<g id="[^"]*"(/?)>', r"<g\1>"),
    (r'font: (\d+(?:\.\d+)?px)[^;"]*', r"font-size: \1"),
    (r'font-family: [^;"]*;? ?', ""),
    (r'^(<svg [^>]*?) (?:width|height)="[^"]*"([^>]*?) (?:width|height)="[^"]*"', r"\1\2"),
)


def to_svg(name: str, figure: Figure, description: str) -> str:
    """Return a figure as an SVG element for an HTML page.

    Its colours are CSS variables (`--ink`, `--quiet`, `--faint`, `--paper`, `--series-1` ...), its text is text.
    The same figure gives the same bytes.

    Args:
        name: The figure's name; references inside the SVG carry it, so that two figures of a page do not mix.
        figure: The figure.
        description: What it shows, for who cannot see it.
    """
    svg = _drawn(name, figure)
    svg = svg[svg.index("<svg") :]
    for pattern, replacement in UNWANTED:
        svg = re.sub(pattern, replacement, svg, flags=re.DOTALL)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    style = "stroke-linejoin: round; stroke-linecap: butt"
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" style="{style}" ', 1)


def _drawn(name: str, figure: Figure) -> str:
    content = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # The reader's browser has the font: Matplotlib only measures with its own, which has no Japanese.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        if figure.get_layout_engine() is not None:
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # else each drawing would shift its parts by a hair
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return content.getvalue()
