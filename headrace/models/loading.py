"""A saved model, checked and ready to be asked. The service imports this, so it brings the model's library alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.declaration.modelling import TaskName
from headrace.errors import IntegrityError
from headrace.models import archives
from headrace.models.balance import counted_in
from headrace.models.families import family_of_files
from headrace.models.inputs import read_inputs, to_matrix
from headrace.models.preparing import Prepared
from headrace.models.saving import ENCODER, MANIFEST
from headrace.models.scoring import ClassScorer, Scorer
from headrace.storage import MEND, check_files
from headrace.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from headrace.models.families import Estimator
    from headrace.models.inputs import Input
    from headrace.tasks import Task


@dataclass(frozen=True)
class LoadedModel:
    """A model that predicts what it predicted when it was saved, bit for bit."""

    manifest: dict[str, Any]
    inputs: tuple[Input, ...]
    task: Task
    _estimator: Estimator

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the scores of rows: of each the probability of the positive class, that of each class, or a number.

        Args:
            rows: A column for each feature, in any order; others are ignored. Categories are text; a category that
                training did not know counts as missing.

        Raises:
            DataError: A feature is not among the columns, or holds something that is no number.
        """
        return self.task.restore(self._estimator.predict(to_matrix(rows, self.inputs)), counted_in(self.manifest))

    def scorer(self, names: Sequence[str]) -> Scorer:
        """Return what predicts from values in an order of their own, one row in microseconds.

        Args:
            names: What they are values of; more than the model takes, in any order.

        Raises:
            DataError: A feature that the model takes is not among them.
        """
        kind = ClassScorer if self.task.name is TaskName.multiclass else Scorer
        return kind(self._estimator, self.inputs, counted_in(self.manifest), names)


def load(folder: Path) -> LoadedModel:
    """Read a candidate's or a winner's folder.

    Raises:
        IntegrityError: A file is missing, or is not the one that was written.
    """
    manifest = read_manifest(folder)
    inputs = read_inputs(manifest["features"])
    family = family_of_files(manifest["files"])
    task = read_task(manifest)
    if ENCODER not in manifest["files"]:
        return LoadedModel(manifest, inputs, task, family.load(folder, inputs, task))
    encoder = archives.read(folder / ENCODER)
    return LoadedModel(manifest, inputs, task, Prepared(encoder, family.load(folder, None, task), inputs))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a model's manifest, and compare its files with the digests in it.

    Raises:
        IntegrityError: A file is missing, or is not the one that was written.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
        expected = dict(manifest["files"])
    except FileNotFoundError as error:
        raise IntegrityError(f"{path}: no such file; {MEND}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: not a model's manifest ({error}); {MEND}") from error
    check_files(folder, expected, MANIFEST)
    return manifest
