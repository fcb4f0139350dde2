"""Report: one page that explains what ran, what came of it and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import ReportConfig
from headrace.report import write_report

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Write the page of one pipeline."""
    config = read(cfg, ReportConfig)
    data = Path("data", config.pipeline)
    write_report(data, Path(), config)
    say(f"report {config.pipeline}: {data / 'report.html'}")


if __name__ == "__main__":
    with one_line_errors():
        main()
