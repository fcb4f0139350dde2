"""`python -m headrace` is the command line."""

from headrace.cli import app

app(prog_name="headrace")
