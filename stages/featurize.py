"""Featurize: compute the declared features of the validated rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import FeaturizeConfig
from headrace.features import featurize

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Compute the features of the parts that are new."""
    config = read(cfg, FeaturizeConfig)
    data = Path("data", config.pipeline)
    done = featurize(data / "validated", data / "features", config)
    left_out = f"; {done.unlabelled:,} rows without a label are left out" if done.unlabelled else ""
    say(
        f"featurize {config.pipeline}: {done.new_parts} new of {done.parts} parts, {done.features} features, "
        f"{done.rows:,} rows{left_out}"
    )


if __name__ == "__main__":
    with one_line_errors():
        main()
