"""Evaluate: all candidates of a pipeline on the same test rows, and the winner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import EvaluateConfig
from headrace.evaluation import describe, evaluate, write_result
from headrace.storage import read_json

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Judge the candidates that params.yaml lists for the pipeline."""
    config = read(cfg, EvaluateConfig)
    data = Path("data", config.pipeline)
    models = read_json(data / "candidates.json")
    result = evaluate(data / "validated", data / "features", data / "candidates", models, config)
    write_result(result, data / "candidates", data)
    say(describe(result.summary))


if __name__ == "__main__":
    with one_line_errors():
        main()
