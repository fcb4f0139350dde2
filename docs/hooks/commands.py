"""The page of every command, made from the commands themselves at each build, in the words of their `--help`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from mkdocs.structure.files import File
from typer.cli import get_docs_for_click

from headrace.cli import app

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    command = typer.main.get_command(app)
    context = command.make_context("headrace", [], resilient_parsing=True)
    content = get_docs_for_click(obj=command, ctx=context, name="headrace", title="Every command")
    files.append(File.generated(config, "reference/commands.md", content=content))
    return files
