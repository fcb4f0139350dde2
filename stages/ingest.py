"""Ingest: bring the source's rows before `until` to `raw/`, one Parquet file a day; days that stand there stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import IngestConfig
from headrace.sources import ingest

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Ingest one pipeline's rows."""
    config = read(cfg, IngestConfig)
    ingested = ingest(config, Path("data", config.pipeline))
    say(f"ingest {config.pipeline}: {ingested}")


if __name__ == "__main__":
    with one_line_errors():
        main()
