"""From a winner to a Bento: in BentoML's store, and as a file that DVC keeps."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.packaging import store
from headrace.packaging.archive import write_archive
from headrace.packaging.contents import write_contents
from headrace.packaging.staging import stage
from headrace.storage import digest, read_json, write_beside, write_json

if TYPE_CHECKING:
    from headrace.declaration.pipeline import PackageConfig
    from headrace.service import Contents

BENTO = "bento.json"
VERSION = 12


@dataclass(frozen=True)
class Packaged:
    """What was packaged."""

    tag: str
    size: int
    """Of the exported file, in bytes."""
    decision: str | None
    """What registering decided about the winner."""

    def __str__(self) -> str:
        """Return it in words."""
        doubt = "; it is not surely better than the champion, which stays" if self.decision == "not better" else ""
        return f"{self.tag} ({self.size / 1e6:.1f} MB){doubt}"


def package(root: Path, data: Path, config: PackageConfig) -> Packaged:
    """Write `data/<pipeline>/package/`, and put the Bento into BentoML's store.

    The Bento's version is a digest of what is in it: equal contents are one Bento, built once.

    Args:
        root: The repository's root, with `bentofile.yaml` and what it names.
        data: The pipeline's data folder.
        config: The declaration.

    Raises:
        IntegrityError: A file of the winner is missing, or is not the one that was written.
        DataError: An input of the stage is missing.
        ConfigError: `bentofile.yaml` is missing, or names a file that is.
    """
    with write_beside(data / "package") as beside, tempfile.TemporaryDirectory(prefix="headrace-") as temporary:
        staged = Path(temporary)
        contents = write_contents(data, config, beside / "model")
        stage(root, config.pipeline, beside / "model", staged)
        tag = f"{config.pipeline.lower()}:{digest(staged)[:VERSION]}"
        labels = _labels(root, contents)
        bento = store.build(staged, tag, labels, {"pipeline": config.pipeline})
        archive = beside / f"{config.pipeline}.bento"
        write_archive(bento, archive)
        packaged = Packaged(tag, archive.stat().st_size, contents.lineage.decision)
        write_json(beside / BENTO, {"tag": tag, "pipeline": config.pipeline, "candidate": contents.lineage.candidate})
    return packaged


def sync(data: Path) -> str | None:
    """Put a pipeline's exported Bento into BentoML's store: after a `dvc pull`, say, where no stage ran.

    Args:
        data: The pipeline's data folder.

    Returns:
        The tag of the Bento that was imported; None where it was there.

    Raises:
        DataError: The export is missing or broken.
    """
    described = read_json(data / "package" / BENTO)
    archive = data / "package" / f"{described['pipeline']}.bento"
    return str(described["tag"]) if store.bring(archive, described["tag"]) else None


def _labels(root: Path, contents: Contents) -> dict[str, str]:
    labels = {
        "pipeline": contents.pipeline,
        "candidate": contents.lineage.candidate,
        "model_digest": contents.lineage.model,
        "rows_digest": contents.lineage.rows,
        "decision": contents.lineage.decision or "",
    }
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return {**labels, "git_commit": found.stdout.strip()} if found.returncode == 0 else labels
