"""Where a candidate comes from, as tags of its run: the commit, what DVC calls its data, and our own digests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from headrace.storage import digest

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "mlflow.source.git.commit"
"""MLflow's own tag for it, which its pages show."""
DIRTY = "-dirty"


def provenance(root: Path, data: Path, candidate: str) -> dict[str, str]:
    """Return the tags of a candidate's run; those of what is not there are left out.

    Args:
        root: The repository.
        data: The pipeline's data folder.
        candidate: The candidate's name.
    """
    return {**_commit(root), **_dvc_hashes(root, candidate), **_datasets(data)}


def _commit(root: Path) -> dict[str, str]:
    """Return the commit, and whether the working tree differed from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {COMMIT: found.removesuffix(DIRTY), "headrace.uncommitted": str(found.endswith(DIRTY)).lower()}


def _dvc_hashes(root: Path, candidate: str) -> dict[str, str]:
    """Return what `dvc.lock` says of the data that a candidate was trained on, and of the candidate."""
    file = root / "dvc.lock"
    if not file.is_file():
        return {}
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where PyYAML has it
    recorded = yaml.load(file.read_text(), loader) or {}  # noqa: S506  both loaders are safe
    stage = recorded.get("stages", {}).get(f"train@{candidate}", {})
    entries = [entry for entry in (*stage.get("deps", ()), *stage.get("outs", ())) if entry["path"].startswith("data/")]
    return {f"dvc.{entry['path']}": str(entry["md5"]) for entry in entries if "md5" in entry}


def _datasets(data: Path) -> dict[str, str]:
    paths = {"headrace.features": data / "features", "headrace.ingest": data / "ingest.json"}
    return {tag: digest(path) for tag, path in paths.items() if path.exists()}
