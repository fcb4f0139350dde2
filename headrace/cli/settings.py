"""What a command is told of a service: by `serving.yaml`, and by HEADRACE_* over it, as the service itself is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.service.settings import Settings


def settings_of(name: str) -> Settings:
    """Return the settings of a pipeline's service.

    Raises:
        ConfigError: A declaration is wrong, or a variable.
    """
    from headrace.config import compose
    from headrace.declaration.pipeline import ServeConfig
    from headrace.service.settings import read_settings

    config, _ = compose(Path("pipelines", name), [], ServeConfig)
    return read_settings(config.serving, name)
