"""Train: one candidate, tuned on rows before the test period, with its out-of-fold scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import TrainConfig
from headrace.training import train

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Train the candidate that the command line names."""
    config = read(cfg, TrainConfig)
    data = Path("data", config.pipeline)
    trained = train(data / "features", data / "candidates" / config.candidate, config, config.candidate)
    say(f"train {config.candidate}: {trained}")


if __name__ == "__main__":
    with one_line_errors():
        main()
