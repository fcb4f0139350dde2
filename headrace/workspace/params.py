"""What `params.yaml` chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from headrace.errors import ConfigError
from headrace.workspace.lines import LOADER, syntax_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

PARAMS = Path("params.yaml")


def read_params() -> dict[str, Any]:
    """Return `params.yaml` of the working directory.

    Raises:
        ConfigError: There is none, or it is not a mapping of names.
    """
    if not PARAMS.is_file():
        raise ConfigError(
            f"{PARAMS}: no such file in {Path.cwd()}; go to the folder of a project, or make one with `headrace init`"
        )
    wrong = syntax_problem(PARAMS)
    if wrong:
        raise ConfigError(wrong)
    try:
        params = yaml.load(PARAMS.read_text(), Loader=LOADER)  # noqa: S506  it is a safe loader, libyaml's
    except ValueError as error:  # what looks like a date and is none
        raise ConfigError(
            f"{PARAMS}: not valid YAML: {error}; put quotes around a date, such as '2018-08-15'"
        ) from error
    if not isinstance(params, dict):
        raise ConfigError(f"{PARAMS}: found {params!r}; it has the sections pipelines and candidates")
    return params


def pipelines() -> dict[str, dict[str, Any]]:
    """Return the pipelines with their choices; those entries that have any."""
    return _entries("pipelines")


def candidates_of(pipeline: str) -> dict[str, str]:
    """Return the models of a pipeline's candidates, by the candidate's name."""
    chosen = _entries("candidates")
    return {
        name: each["model"] for name, each in chosen.items() if each.get("pipeline") == pipeline and "model" in each
    }


def declared_files(names: Iterable[str]) -> list[Path]:
    """Return the files that declare some pipelines, and what they share."""
    own = [file for name in names for file in sorted(Path("pipelines", name).glob("*.y*ml"))]
    shared = [file for file in (PARAMS, Path("dvc.yaml")) if file.is_file()]
    return [*shared, *sorted(Path("conf").rglob("*.yaml")), *own]


def _entries(section: str) -> dict[str, dict[str, Any]]:
    entries = read_params().get(section)
    if not isinstance(entries, dict):
        return {}
    return {str(name): chosen for name, chosen in entries.items() if isinstance(chosen, dict)}
