"""A fitted model as files, none of which is a pickle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.declaration.modelling import TaskName
from headrace.models import archives
from headrace.models.balance import CLASS_WEIGHTS, NEGATIVE_WEIGHT
from headrace.models.families import family_of
from headrace.models.inputs import describe_inputs
from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.models.fitting import FittedModel

MANIFEST = "manifest.json"
ENCODER = "prepare.skops"


def save(fitted: FittedModel, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model's files and its manifest into an existing folder.

    Args:
        fitted: The model.
        folder: Where to.
        facts: What else the manifest says: how the model came to be.

    Returns:
        The manifest.
    """
    family = family_of(fitted.target)
    family.save(fitted.estimator, folder)
    files, library = [family.file], family.versions()
    if fitted.rows.encoder is not None:
        archives.write(fitted.rows.encoder, folder / ENCODER)
        files, library = [*files, ENCODER], {**library, **family_of("sklearn").versions()}
    manifest = {
        **facts,
        "model": fitted.target,
        "library": library,
        "features": describe_inputs(fitted.rows.inputs),
        "task": fitted.rows.task.describe(),
        **_counted(fitted),
        "files": {name: digest(folder / name) for name in files},
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / MANIFEST).write_text(text)
    return manifest


def _counted(fitted: FittedModel) -> dict[str, Any]:
    task = fitted.rows.task
    if not task.is_classification:
        return {}
    return {NEGATIVE_WEIGHT if task.name is TaskName.binary else CLASS_WEIGHTS: fitted.rows.counted}
