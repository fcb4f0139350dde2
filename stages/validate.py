"""Validate: valid rows in declared types to one side, the others with their reasons to the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import ValidateConfig
from headrace.validation import validate

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Validate the rows of one pipeline."""
    config = read(cfg, ValidateConfig)
    data = Path("data", config.pipeline)
    summary = validate(
        raw=data / "raw",
        validated=data / "validated",
        rejected=data / "rejected",
        result=data / "validation.json",
        schema=config.schema,
    )
    say(f"validate {config.pipeline}: {summary}")


if __name__ == "__main__":
    with one_line_errors():
        main()
