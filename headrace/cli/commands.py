"""All commands, and the short ones among them. What is heavy is imported by the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.audit import app as audit
from headrace.cli.failing import errors_said
from headrace.cli.init import init
from headrace.cli.lineage import lineage
from headrace.cli.log import app as log
from headrace.cli.names import Name, Names, examples, stage_names
from headrace.cli.token import app as token
from headrace.cli.warm import warm
from headrace.console import say

DECLARE, LOOK, SERVE, KEEP = "Declare", "Look", "Serve", "Keep"
"""The panels of the help."""

app = typer.Typer(
    epilog=examples(
        "headrace init  # an empty folder becomes a project",
        "headrace check  # is all that is declared right?",
        "headrace explain fraud  # what is it made of, and where was each value written?",
        "dvc repro  # run what changed",
        "headrace show fraud  # what came out?",
        "bentoml serve  # serve it",
        "headrace --install-completion  # names complete with the Tab key",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:  # noqa: FBT001  Typer's way
    if asked:
        from importlib.metadata import version

        say(f"headrace {version('headrace')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which Headrace it is.")
    ] = False,
) -> None:
    """Declared pipelines: `dvc repro` runs them, `bentoml serve` serves the winner, these are for the rest."""


app.command(
    rich_help_panel=DECLARE,
    epilog=examples(
        "headrace init  # in an empty folder: a whole new project",
        "headrace init churn --from customers.csv --label Churn  # a pipeline from a table",
        "headrace init houses --from houses.parquet --label price --task regression",
        "headrace init fraud --from sqlite:///shop.db --table payments --label fraud --time paid_at",
        'headrace init loans --from $HEADRACE_DATABASE --query "SELECT ..." --label defaulted',
    ),
)(init)


@app.command(
    rich_help_panel=DECLARE,
    epilog=examples(
        "headrace check  # every pipeline of params.yaml",
        "headrace check fraud  # one of them",
        "headrace check > problems.txt  # plain lines of file:line: key: what is wrong",
    ),
)
def check(name: Names = None) -> None:
    """Say all that is wrong in the declarations, before anything runs.

    Looks at params.yaml, dvc.yaml, conf/ and pipelines/. The exit code is 1 where something is wrong.
    """
    from headrace.cli.check import check as look

    look(name)


@app.command(
    rich_help_panel=DECLARE,
    epilog=examples(
        "headrace explain fraud  # the stages as a picture, the whole config",
        "headrace explain fraud featurize  # what one stage reads and writes, its part of the config, its SQL",
        "headrace explain fraud fraud-lightgbm  # a candidate: parameters, search space",
        "headrace explain fraud --svg graph.svg  # the picture as a file",
        "headrace explain fraud featurize --sql | less  # the SQL alone",
    ),
)
def explain(
    name: Name,
    stage: Annotated[
        str | None,
        typer.Argument(help="A stage, such as featurize, or a candidate.", autocompletion=stage_names),
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the picture of the stages to this file.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL of the features, and nothing else.")] = False,  # noqa: FBT002  Typer's way
) -> None:
    """Show what a pipeline is made of, and where each value was written.

    The stages as a picture, and the config that Hydra composes with the file and line of each value. For a stage also
    what it reads and writes, and why it would run now.
    """
    from headrace.cli import explain as explaining

    with errors_said():
        if sql:
            explaining.print_sql(name)
        elif svg is not None:
            explaining.write_picture(name, svg)
        elif stage is not None:
            explaining.print_stage(name, stage)
        else:
            explaining.print_pipeline(name)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "headrace show  # every pipeline in one table",
        "headrace show fraud  # its data, its candidates, its threshold and what became of the winner",
    ),
)
def show(name: Names = None) -> None:
    """Show what came out of the last run: data, candidates, winner, decision."""
    from headrace.cli import show as showing

    with errors_said():
        if name is None:
            showing.print_overview()
        else:
            showing.print_results(name)


app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "headrace lineage fraud 019a3c…  # by the request id that the answer has",
        "headrace lineage fraud 019a3c… --json > trace.json",
    ),
)(lineage)
app.command(rich_help_panel=SERVE, epilog=examples("headrace warm fraud  # before its service starts"))(warm)
app.add_typer(token, name="token", rich_help_panel=SERVE)
app.add_typer(log, name="log", rich_help_panel=KEEP)
app.add_typer(audit, name="audit", rich_help_panel=KEEP)


@app.command(rich_help_panel=KEEP, epilog=examples("headrace sync  # after a `dvc pull`, say"))
def sync() -> None:
    """Make MLflow and the Bento store hold what DVC holds, after a `dvc pull`, say. Nothing is written twice."""
    with errors_said():
        from headrace.workspace import pipelines

        names = pipelines()
    from headrace.cli.syncing import sync as bring
    from headrace.config import one_line_errors

    with one_line_errors():
        for line in bring(names):
            say(line)
