"""`python -m headrace.environment`: bring environment.yaml up to date."""

from __future__ import annotations

from pathlib import Path

from headrace.console import say
from headrace.environment import write

for change in write(Path()):
    say(f"environment.yaml: {change}")
