"""A saved model, checked and ready to be asked. The service imports this, so it brings the model's library alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import IntegrityError
from headrace.models import archives
from headrace.models.balance import restore
from headrace.models.families import family_of_files
from headrace.models.inputs import read_inputs, to_matrix
from headrace.models.saving import ENCODER, MANIFEST
from headrace.storage import MEND, check_files

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from headrace.models.families import Predict
    from headrace.models.inputs import Input


@dataclass(frozen=True)
class LoadedModel:
    """A model that predicts what it predicted when it was saved, bit for bit."""

    manifest: dict[str, Any]
    inputs: tuple[Input, ...]
    _encoder: Any | None
    _predict: Predict

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of the positive class for each row.

        Args:
            rows: A column for each feature, in any order; others are ignored. Categories are text; a category that
                training did not know counts as missing.

        Raises:
            DataError: A feature is not among the columns, or holds something that is no number.
        """
        matrix = to_matrix(rows, self.inputs)
        prepared = matrix if self._encoder is None else self._encoder.transform(matrix)
        return restore(self._predict(prepared), self.manifest["negative_weight"])


def load(folder: Path) -> LoadedModel:
    """Read a candidate's or a winner's folder.

    Raises:
        IntegrityError: A file is missing, or is not the one that was written.
    """
    manifest = read_manifest(folder)
    inputs = read_inputs(manifest["features"])
    encoder = archives.read(folder / ENCODER) if ENCODER in manifest["files"] else None
    family = family_of_files(manifest["files"])
    return LoadedModel(manifest, inputs, encoder, family.load(folder, None if encoder else inputs))


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
