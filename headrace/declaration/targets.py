"""What `_target_` may name: pull requests edit configs, and a `_target_` runs what it names."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from headrace.errors import ConfigError

TARGETS = Path("conf", "targets.yaml")


@cache
def allowed_targets() -> tuple[str, ...]:
    """Return the declared list, `conf/targets.yaml`."""
    return tuple(yaml.safe_load(TARGETS.read_text()))


def locate(target: str) -> Any:
    """Import and return what a `_target_` names.

    Raises:
        ConfigError: `conf/targets.yaml` does not list it (then nothing is imported), or it does not exist.
    """
    if target not in allowed_targets():
        raise ConfigError(
            f"_target_: '{target}' is not allowed; {TARGETS} lists what is: {', '.join(allowed_targets())}. "
            "Add a line there if you trust it."
        )
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"_target_: '{target}' is listed in {TARGETS} and cannot be imported: {error}") from error
