"""The command line: what is no stage of a pipeline."""

from headrace.cli.commands import app

__all__ = ["app"]
