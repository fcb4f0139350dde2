"""Package: the winner as a Bento, with all that its service needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from headrace.config import CONF, one_line_errors, read
from headrace.console import say
from headrace.declaration.pipeline import PackageConfig
from headrace.packaging import package

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=CONF, config_name="pipeline")
@one_line_errors()
def main(cfg: DictConfig) -> None:
    """Package one pipeline's winner."""
    config = read(cfg, PackageConfig)
    packaged = package(Path(), Path("data", config.pipeline), config)
    say(f"package {config.pipeline}: {packaged}")


if __name__ == "__main__":
    with one_line_errors():
        main()
