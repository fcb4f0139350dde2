"""The features as training needs them: few columns of all rows to split by, all columns of few rows to fit on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError
from headrace.models import Input, learn_categories, read_inputs, to_matrix
from headrace.splits import Columns
from headrace.storage import list_parts
from headrace.tasks import read_task

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from headrace.tasks import Task


@dataclass(frozen=True)
class FeatureTable:
    """A features folder."""

    folder: Path
    columns: Columns
    entities: tuple[str, ...]
    inputs: tuple[Input, ...]
    rows: pd.DataFrame
    """Key, timestamp, entities and label of every row, parts in order."""

    @property
    def labels(self) -> NDArray[Any]:
        """The label of every row, as a number."""
        labels: NDArray[Any] = self.rows[self.columns.label].to_numpy(self.columns.task.label_dtype)
        return labels

    def identity(self, chosen: NDArray[np.bool_]) -> pd.DataFrame:
        """Return what tells rows from one another, with the label named `label`."""
        return self.rows.loc[chosen].rename(columns={self.columns.label: "label"}).reset_index(drop=True)

    def matrix(self, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float64], tuple[Input, ...]]:
        """Read the features of the chosen rows, (rows, inputs), and learn the categories that no schema lists.

        Features of other rows are not read: what is kept for the test cannot be seen by mistake.
        """
        names = [each.name for each in self.inputs]
        parts, start = [], 0
        for path in list_parts(self.folder).values():
            rows = _count_rows(path)
            part, start = chosen[start : start + rows], start + rows
            if part.any():
                parts.append(_read(path, names).filter(part))
        if not parts:
            raise DataError(f"{self.folder}: none of its {len(self.rows):,} rows is for training")
        import pyarrow as pa

        features = pa.concat_tables(parts).to_pandas()
        inputs = learn_categories(self.inputs, features)
        return to_matrix(features, inputs), inputs


def open_features(folder: Path) -> FeatureTable:
    """Read a features folder's manifest, and of its rows what splits them.

    Raises:
        DataError: The folder is not what featurize writes.
    """
    import pyarrow as pa

    manifest = _manifest(folder)
    columns = Columns.of(manifest)
    identity = (columns.key, columns.timestamp, columns.label, *manifest["entities"])
    names = list(dict.fromkeys(name for name in identity if name is not None))
    parts = [_read(part, names) for part in list_parts(folder).values()]
    if not parts:
        raise DataError(f"{folder}: it has no parts; run the featurize stage")
    rows = pa.concat_tables(parts).to_pandas()
    return FeatureTable(folder, columns, tuple(manifest["entities"]), read_inputs(manifest["features"]), rows)


def task_of_features(folder: Path) -> Task:
    """Return what the label of a features folder is.

    Raises:
        DataError: The folder is not what featurize writes.
    """
    return read_task(_manifest(folder))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "features.json"
    if not path.is_file():
        raise DataError(f"{path}: no such file; run the featurize stage")
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


def _read(path: Path, names: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read(columns=names).select(names)
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise DataError(f"{path}: cannot be read as features: {error}; restore it with `dvc checkout`") from error


def _count_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)
