"""Check: say all that is wrong in a pipeline's declarations before any other stage works."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.errors import HydraException

from headrace.checking import check_declarations
from headrace.config import CONF, find_origin, folder_on_command_line, one_line_errors
from headrace.console import say
from headrace.errors import ConfigError
from headrace.storage import write_beside, write_json
from headrace.workspace import candidates_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(_: DictConfig) -> None:
    """Check one pipeline with each of its candidates."""
    name = find_origin().folder.name
    refuse_wrong(name)
    data, candidates = Path("data", name), candidates_of(name)
    # The later stages depend on these files, which say no more than they need to know: an edit that keeps the
    # declarations right reruns this stage alone.
    with write_beside(data / "checked.txt") as beside:
        beside.write_text(f"The declarations of pipeline {name} fit each other.\n")
    write_json(data / "candidates.json", candidates)
    say(f"check {name}: the declarations of {len(candidates)} candidates are right")


def refuse_wrong(name: str) -> None:
    """Do nothing where all that a pipeline declares is right.

    Raises:
        ConfigError: It is not; the message has a line for each thing that is wrong.
    """
    wrong = check_declarations([name]).problems
    if wrong:
        raise ConfigError("\n".join(map(str, wrong)))


@contextlib.contextmanager
def all_at_once() -> Iterator[None]:
    """Say all that is wrong where Hydra cannot compose: it stops at the first thing."""
    try:
        yield
    except HydraException:
        refuse_wrong(folder_on_command_line().name)
        raise  # It is the command line that is wrong.


if __name__ == "__main__":
    with one_line_errors(), all_at_once():
        main()
