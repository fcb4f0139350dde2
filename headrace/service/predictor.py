"""From a row to its probability: the features of training, the model that won."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.types import arrow_schema
from headrace.features import Lookup
from headrace.models import load
from headrace.service.contents import HISTORY, WINNER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from headrace.service.contents import Contents


class Predictor:
    """A packaged model, asked with raw rows.

    Args:
        folder: The package.
        contents: What `read_contents` says of it.

    Raises:
        IntegrityError: A file of the model is not the one that was written.
    """

    def __init__(self, folder: Path, contents: Contents) -> None:
        self.contents = contents
        self._model = load(folder / WINNER)
        columns = contents.schema.columns
        self._schema = arrow_schema({name: columns[name] for name in contents.request})
        history = pq.read_table(folder / HISTORY) if HISTORY in contents.files else None
        self._lookup = Lookup(contents.features, contents.schema, contents.target, history)

    @property
    def threshold(self) -> float:
        """The probability from which on a row is flagged."""
        return float(self._model.manifest["threshold"])

    def features(self, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
        """Return the features of rows; a column that a row does not have is missing."""
        return self._lookup.features(pa.Table.from_pylist(list(rows), schema=self._schema))

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Return the probability of the positive class for each row, (rows,)."""
        return self._model.predict(self.features(rows).to_pandas())
