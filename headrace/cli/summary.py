"""A short table of what every pipeline came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("pipeline", "winner", "metric", "on test rows", "threshold", "decision", "Bento", "report")
NUMBERS = ("on test rows", "threshold")


def show(pipelines: Iterable[str]) -> None:
    """Print a line for each pipeline; one that has not run yet says so."""
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMBERS else "left", overflow="fold")
    for pipeline in pipelines:
        table.add_row(*row(pipeline, Path("data", pipeline)))
    # Where no terminal says how wide it is, a path should still stand on one line.
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def row(pipeline: str, data: Path) -> list[str]:
    """Return the cells of one pipeline."""
    try:
        evaluation = _load(data / "evaluation" / "evaluation.json")
        registration = _load(data / "registration.json")
        bento = _load(data / "package" / "bento.json")
    except FileNotFoundError as error:
        return [pipeline, f"has not run: no {error.filename}"]
    winner = evaluation["candidates"][evaluation["winner"]]
    metric = evaluation["metric"]
    return [
        pipeline,
        evaluation["winner"],
        metric,
        f"{winner['test'][metric]:.4f}",
        f"{winner['threshold']:.4f}",
        _decision(registration),
        bento["tag"],
        str(data / "report.html"),
    ]


def _decision(registration: dict[str, Any]) -> str:
    alias = registration.get("alias")
    version = registration.get("version")
    return str(registration["decision"]) + (f", v{version} is {alias}" if alias else "")


def _load(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text()))
