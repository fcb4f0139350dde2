"""A small table of the candidates, for who watches the stage run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

from headrace.evaluation.choosing import JUDGES


def describe(summary: dict[str, Any]) -> str:
    """Return a line for each candidate: its value on validation rows, what it does on test rows, who won.

    Args:
        summary: The content of `evaluation.json`.
    """
    metric, shown = summary["metric"], JUDGES[summary["task"]["name"]].shown
    has_threshold = any(one["threshold"] is not None for one in summary["candidates"].values())
    titles = ["", "candidate", f"validation {metric}", *(f"test {name}" for name in shown)]
    lines = [[*titles, "threshold"] if has_threshold else titles]
    for name, one in summary["candidates"].items():
        values = [one["validation"][metric], *(one["test"][each] for each in shown)]
        values += [one["threshold"]] if has_threshold else []
        mark = "*" if name == summary["winner"] else ""
        lines.append([mark, name, *(f"{value:.4f}" for value in values)])
    return f"{_align(lines)}\n* wins by validation {metric}"


def _align(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
