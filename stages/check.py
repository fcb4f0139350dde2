"""Check: say all that is wrong in a pipeline's declarations before any other stage works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.checking import candidates_of, check_parameters, check_pipeline
from headrace.config import CONF, compose, find_origin, one_line_errors
from headrace.console import say
from headrace.declaration.pipeline import Pipeline
from headrace.errors import ConfigError
from headrace.storage import write_beside, write_json

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(_: DictConfig) -> None:
    """Check one pipeline with each of its candidates."""
    origin = find_origin()
    name = origin.folder.name
    check_parameters(name)
    candidates = candidates_of(name)
    wrong: list[str] = []
    for candidate, model in candidates.items():
        chosen = [*origin.overrides, f"model={model}", f"candidate={candidate}"]
        wrong += [line for line in check_pipeline(*compose(origin.folder, chosen, Pipeline)) if line not in wrong]
    if wrong:
        raise ConfigError("\n".join(wrong))
    data = Path("data", name)
    # The later stages depend on these files, which say no more than they need to know: an edit that keeps the
    # declarations right reruns this stage alone.
    with write_beside(data / "checked.txt") as beside:
        beside.write_text(f"The declarations of pipeline {name} fit each other.\n")
    write_json(data / "candidates.json", candidates)
    say(f"check {name}: the declarations of {len(candidates)} candidates are right")


if __name__ == "__main__":
    with one_line_errors():
        main()
