"""The command line: what is no stage of a pipeline."""

from importlib.util import find_spec

if find_spec("typer") is None:  # a service's environment
    raise SystemExit("error: the command line needs what trains, too: pip install 'headrace[pipeline]'")

from headrace.cli.commands import app

__all__ = ["app"]
