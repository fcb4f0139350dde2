"""Register: the winner against the champion, on the same test rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import RegisterConfig
from headrace.registry import describe, register

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Fill MLflow, and register the winner if it is better than the champion."""
    config = read(cfg, RegisterConfig)
    registration = register(Path("data", config.pipeline), config)
    say(f"register {config.pipeline}: {describe(registration)}")


if __name__ == "__main__":
    with one_line_errors():
        main()
