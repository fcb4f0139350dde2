"""The stages of a pipeline as an SVG that is at home on light and on dark, and needs no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from headrace.explaining.graph import in_order, needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.workspace import Stage

WIDTH, HEIGHT, GAP, BETWEEN = 230, 62, 24, 36
"""Of a box, between boxes side by side, and between one rank and the next; in pixels."""
MOST_LETTERS = 36
STYLE = """
    svg { font: 12px system-ui, sans-serif; --ink: #1b1f24; --quiet: #57606a; --line: #8c959f; --box: #f6f8fa;
      --paper: #fff }
    @media (prefers-color-scheme: dark) {
      svg { --ink: #e6edf3; --quiet: #9198a1; --line: #656c76; --box: #151b23; --paper: #0d1117 }
    }
    .paper { fill: var(--paper) } .box { fill: var(--box); stroke: var(--line) }
    .edge { fill: none; stroke: var(--line) }
    .name { font-weight: 600; fill: var(--ink) } .out { fill: var(--quiet) } text { text-anchor: middle }
"""


def to_svg(pipeline: str, stages: Sequence[Stage]) -> str:
    """Return a picture: a box for each stage with what it writes, and a line to each stage that follows."""
    ranks = in_order(stages)
    width = max(len(rank) for rank in ranks) * (WIDTH + GAP) + GAP
    height = len(ranks) * (HEIGHT + BETWEEN) - BETWEEN + 2 * GAP
    places = {
        stage.name: (
            width / 2 + (number - (len(rank) - 1) / 2) * (WIDTH + GAP),
            GAP + depth * (HEIGHT + BETWEEN),
        )
        for depth, rank in enumerate(ranks)
        for number, stage in enumerate(rank)
    }
    edges = [
        _edge(places[before], places[after]) for after, all_before in needed(stages).items() for before in all_before
    ]
    boxes = [_box(stage, *places[stage.name], f"data/{pipeline}/") for stage in stages]
    title = escape(f"The stages of {pipeline}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
            f"  <title>{title}</title>",
            f"  <style>{STYLE}  </style>",
            f'  <rect class="paper" width="{width:g}" height="{height:g}"/>',
            *edges,
            *boxes,
            "</svg>\n",
        ]
    )


def _edge(before: tuple[float, float], after: tuple[float, float]) -> str:
    (left, top), (right, bottom) = before, after
    top, middle = top + HEIGHT, (top + HEIGHT + bottom) / 2
    return (
        f'  <path class="edge" d="M{left:g} {top:g} C{left:g} {middle:g} {right:g} {middle:g} {right:g} {bottom:g}"/>'
    )


def _box(stage: Stage, x: float, y: float, folder: str) -> str:
    outs = ", ".join(out.removeprefix(folder) for out in stage.outs)
    shown = outs if len(outs) <= MOST_LETTERS else f"{outs[: MOST_LETTERS - 1]}…"
    name = escape(stage.name if stage.candidate else stage.kind)
    return (
        f'  <g><title>{escape(outs)}</title><rect class="box" x="{x - WIDTH / 2:g}" y="{y:g}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="8"/><text class="name" x="{x:g}" y="{y + 26:g}">{name}</text>'
        f'<text class="out" x="{x:g}" y="{y + 46:g}">{escape(shown)}</text></g>'
    )
