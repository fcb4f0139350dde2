"""What stands on the command line: names of pipelines, stages and candidates, checked, and completed by the shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.failing import errors_said
from headrace.errors import ConfigError, HeadraceError
from headrace.words import known


def pipeline_names() -> list[str]:
    """Return the pipelines of `params.yaml`; none where it cannot be read: who presses Tab has no use for words."""
    from headrace.workspace import pipelines

    try:
        return [*pipelines()]
    except HeadraceError:
        return []


def stage_names(context: typer.Context) -> list[str]:
    """Return the stages of the pipeline that is on the command line already, and its candidates."""
    from headrace.workspace import stages_of

    try:
        stages = stages_of(str(context.params.get("name")))
    except HeadraceError:
        return []
    return [*dict.fromkeys(stage.candidate or stage.kind for stage in stages)]


def request_scopes() -> list[str]:
    """Return what a token may be good for."""
    from headrace.access.tokens import Scope

    return [*Scope]


def pipeline_of(context: typer.Context, name: str | None) -> str | None:
    """Return the name where there is such a pipeline; else say the nearest one, and leave."""
    if name is None or context.resilient_parsing:
        return name
    from headrace.workspace import PARAMS, pipelines

    # A service's machine may hold pipelines and no params.yaml.
    if PARAMS.is_file() or not Path("pipelines", name, "pipeline.yaml").is_file():
        with errors_said():
            names = pipelines()
            if name not in names:
                raise ConfigError(f"{PARAMS}: pipelines: there is no '{name}'; {known(name, names)}")
    return name


Name = Annotated[
    str,
    typer.Argument(help="A pipeline of params.yaml.", autocompletion=pipeline_names, callback=pipeline_of),
]
Names = Annotated[
    str | None,
    typer.Argument(
        help="A pipeline of params.yaml; all of them, if left out.",
        autocompletion=pipeline_names,
        callback=pipeline_of,
        show_default=False,
    ),
]


def examples(*lines: str) -> str:
    """Return the examples that end the help of a command, each a command and maybe what it does (`  # ...`).

    They are indented as Markdown's code is, since the same text is a page of the documents.
    """
    return "\n".join(["Examples:", "", *(f"    $ {line}" for line in lines)])
