"""Hold what is installed against `environment.yaml`, so that no result is recorded under a wrong version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import yaml

from headrace.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def verify(file: Path) -> None:
    """Do nothing where every library of `environment.yaml` is installed in just that version.

    Raises:
        ConfigError: A library is not; the message has a line for each.
    """
    if not file.exists():
        raise ConfigError(f"{file}: no such file; run `make environment` to write it")
    declared = yaml.safe_load(file.read_text())["libraries"]
    wrong = [
        f"{file}: libraries.{name}: says {said}, installed is {found}; run `make environment` and then `dvc repro`, "
        "or install what requirements.lock says"
        for name, said in declared.items()
        if (found := _installed(said)) != said
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _installed(said: str) -> str:
    distribution = said.partition(" ")[0]
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return "none"
