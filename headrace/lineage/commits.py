"""The commit of a run, in the repository that is here."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from headrace.lineage.steps import Commit, NotHere
from headrace.registry.provenance import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.lineage.steps import Run

UNCOMMITTED = "headrace.uncommitted"


def find_commit(root: Path, run: Run) -> Commit:
    """Return the commit that a run names.

    Raises:
        NotHere: It names none, or this repository does not have it.
    """
    commit = run.tags.get(COMMIT)
    if not commit:
        raise NotHere(f"run {run.run_id} has no tag {COMMIT}: it was written outside a git repository")
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        raise NotHere(f"commit {commit} is not in the repository of {root.absolute()}; `git fetch` may bring it")
    subject = _git(root, "show", "-s", "--format=%s", commit) or ""
    params = _git(root, "show", f"{commit}:./params.yaml")
    uncommitted = run.tags.get(UNCOMMITTED) == "true"
    return Commit(id=commit, subject=subject.strip(), uncommitted=uncommitted, params=params)


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
