"""`headrace init`: a new project in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.console import say

if TYPE_CHECKING:
    from headrace.project import Laid


def init() -> None:
    """Lay down a new project in this folder; in one that is there, complete it and note what is installed."""
    from headrace.config import one_line_errors
    from headrace.project import is_project, lay_down

    with one_line_errors():
        new = not is_project(Path())
        laid = lay_down(Path())
    for line in describe(laid, new=new):
        say(line)


def describe(laid: Laid, *, new: bool) -> list[str]:
    """Return a line for each thing that was done to the folder, and what to do next."""
    folder, lines = Path.cwd(), []
    if new:
        lines.append(f"A new project is in {folder}.")
        lines += [f"{name}: stood there, and was left as it is" for name in laid.left]
    else:
        lines += [f"{name}: written" for name in laid.written]
        lines += [f"{name}: is not as this Headrace lays it down, and was left as it is" for name in laid.untied]
    lines += [f"{name}: lines were added" for name in laid.completed]
    lines += laid.remarks
    if new:
        lines.append("Next: `headrace init NAME --from rows.csv --label COLUMN`, then `dvc repro`.")
    return lines or [f"The project in {folder} is complete and up to date."]
