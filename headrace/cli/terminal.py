"""Where commands print: as wide as the terminal, and as wide as a line is long where there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_ELSEWHERE = 160
"""Where no terminal says how wide it is, a row of a table should still stand on one line."""

NONE_YET = "No pipeline is in params.yaml yet: `headrace init NAME --from rows.csv --label COLUMN` makes one."


def open_console(width_elsewhere: int = WIDTH_ELSEWHERE) -> Console:
    """Return a console that takes no word of a user's file for markup."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = width_elsewhere
    return console
