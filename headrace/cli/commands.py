"""All commands, the short ones among them. What is heavy is imported by the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from headrace.cli.audit import app as audit
from headrace.cli.init import init
from headrace.cli.lineage import lineage
from headrace.cli.log import app as log
from headrace.cli.token import app as token
from headrace.cli.warm import warm
from headrace.console import say

app = typer.Typer(no_args_is_help=True)
app.add_typer(log, name="log")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.command()(init)
app.command()(lineage)
app.command()(warm)

Pipeline = Annotated[str, typer.Argument(help="A folder in pipelines/, such as fraud.")]


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
    """Declared pipelines: run them with `dvc repro`, look at them with these."""


@app.command()
def summary() -> None:
    """Show the latest result of every pipeline in params.yaml."""
    from headrace.cli.summary import show
    from headrace.config import one_line_errors

    with one_line_errors():
        show(pipelines())


@app.command()
def sync() -> None:
    """Make MLflow and the Bento store hold what DVC holds, after a `dvc pull`, say. Nothing is written twice."""
    from headrace.cli.syncing import sync as bring
    from headrace.config import one_line_errors

    with one_line_errors():
        for line in bring(pipelines()):
            say(line)


@app.command()
def sql(pipeline: Pipeline) -> None:
    """Print the SQL that computes a pipeline's features."""
    from headrace.config import compose, one_line_errors
    from headrace.declaration.pipeline import FeaturizeConfig
    from headrace.errors import ConfigError
    from headrace.features import training_sql
    from headrace.words import known

    with one_line_errors():
        if pipeline not in pipelines():
            raise ConfigError(f"params.yaml: pipelines: there is no '{pipeline}'; {known(pipeline, pipelines())}")
        config, _ = compose(Path("pipelines", pipeline), [], FeaturizeConfig)
        say(training_sql(config.features, config.schema, config.target))


def pipelines() -> dict[str, dict[str, str]]:
    """Return the pipelines of `params.yaml` with their choices.

    Raises:
        ConfigError: This folder is no project.
    """
    from headrace.errors import ConfigError

    try:
        return dict(yaml.safe_load(Path("params.yaml").read_text())["pipelines"])
    except FileNotFoundError as error:
        raise ConfigError(
            "params.yaml: no such file; go to a project's folder, or `headrace init` makes one here"
        ) from error
