"""`headrace init`: a new project in a folder, and a pipeline from a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console import say

if TYPE_CHECKING:
    from headrace.drafting import Asked
    from headrace.project import Laid

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The pipeline: letters, digits, - and _, such as churn.")
]
Source = Annotated[
    str | None,
    typer.Option("--from", metavar="SOURCE", help="A CSV file, a Parquet file or folder, or an SQLAlchemy URL."),
]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column to predict.")]
Table = Annotated[str | None, typer.Option(help="The table of a database.")]
Query = Annotated[str | None, typer.Option(help="Or a query.")]
Task = Annotated[str | None, typer.Option(help="binary, multiclass or regression, where the guess is wrong.")]
Positive = Annotated[str | None, typer.Option(metavar="VALUE", help="The label's value that is to be found.")]
Time = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that says when a row happened.")]
Key = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that is unique to a row.")]
Encoding = Annotated[str | None, typer.Option(help="Of a CSV file, such as cp1252 or shift_jis.")]


def init(  # noqa: PLR0913, PLR0917  each is an option
    name: Name = None,
    source: Source = None,
    label: Label = None,
    table: Table = None,
    query: Query = None,
    task: Task = None,
    positive: Positive = None,
    time: Time = None,
    key: Key = None,
    encoding: Encoding = None,
) -> None:
    """Lay down a new project in this folder; with NAME, draft a pipeline from a table.

    The rows are looked at, and what a pipeline declares is written, with a comment beside each guess. What exists is
    never overwritten.
    """
    from headrace.config import one_line_errors
    from headrace.drafting import Asked
    from headrace.errors import ConfigError

    given = {"NAME": name, "--from": source, "--label": label}
    with one_line_errors():
        if not any(value for value in (*given.values(), table, query, task, positive, time, key, encoding)):
            _lay_down()
            return
        if name is None or source is None or label is None:
            missing = ", ".join(flag for flag, value in given.items() if value is None)
            said = "such as headrace init churn --from customers.csv --label Churn"
            raise ConfigError(f"headrace init: {missing}: missing; {said}")
        _draft(name, source, (table, query, encoding), Asked(label, task, positive, time, key))


def _lay_down() -> None:
    """Lay down a new project in this folder; in one that is there, complete it and note what is installed."""
    from headrace.project import is_project, lay_down

    new = not is_project(Path())
    laid = lay_down(Path())
    for line in describe(laid, new=new):
        say(line)


def _draft(name: str, source: str, reading: tuple[str | None, str | None, str | None], asked: Asked) -> None:
    """Draft a pipeline; where the folder is no project, it becomes one once the rows are understood."""
    from headrace.drafting import describe as describe_draft
    from headrace.drafting import draft, lay, open_source, refuse_taken
    from headrace.project import is_project

    root = Path()
    new = not is_project(root)
    refuse_taken(root, name)
    drafted = draft(name, open_source(source, *reading), asked)
    if new:
        _lay_down()
        say("")
    for line in describe_draft(drafted, lay(root, drafted)):
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
