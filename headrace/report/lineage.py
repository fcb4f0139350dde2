"""Where the page's numbers come from: the commit, and what DVC recorded of each stage."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

CODE = (
    *("headrace", "stages", "wheels", "service.py", "conf", "pipelines"),
    *("params.yaml", "dvc.yaml", "environment.yaml", "bentofile.yaml"),
)


@dataclass(frozen=True)
class Commit:
    """The state of the repository."""

    id: str
    changed: tuple[str, ...]
    """Files of code and configuration that differ from the commit."""


@dataclass(frozen=True)
class Stage:
    """What DVC recorded of one stage."""

    name: str
    command: str
    params: dict[str, Any]
    outputs: dict[str, str] = field(default_factory=dict)
    """DVC's MD5 by path: `dvc checkout` brings the content back while its cache holds it."""


def find_commit(root: Path) -> Commit | None:
    """Return the commit that is checked out, or None outside a git repository."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = (_git(root, "status", "--porcelain", "--", *CODE) or "").splitlines()
    return Commit(commit.strip(), tuple(line[3:] for line in changed))


def read_stages(root: Path, pipeline: str, candidates: list[str]) -> list[Stage]:
    """Return what `dvc.lock` says of a pipeline's stages; nothing where DVC did not run."""
    lock = root / "dvc.lock"
    recorded: dict[str, Any] = (yaml.safe_load(lock.read_text()) or {}).get("stages", {}) if lock.exists() else {}
    own = {pipeline, *candidates}
    return [
        Stage(name, re.sub(r"\s+", " ", each["cmd"]).strip(), _flat(each.get("params", {})), _outputs(each))
        for name, each in recorded.items()
        if name.partition("@")[2] in own
    ]


def _outputs(stage: dict[str, Any]) -> dict[str, str]:
    return {out["path"]: out["md5"] for out in stage.get("outs", []) if "md5" in out}


def _flat(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters by `file: key`, but for the versions of libraries."""
    return {
        f"{file}: {key}": value
        for file, values in params.items()
        if file != "environment.yaml"
        for key, value in values.items()
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # a machine without git
        return None
    return done.stdout if done.returncode == 0 else None
