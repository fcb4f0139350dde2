"""The rows that the windows of the next request look back on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset

from headrace.errors import DataError
from headrace.features.plan import Plan
from headrace.packaging.columns import history_columns
from headrace.storage import list_parts

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows


def take_history(validated: Path, features: Features, rows: TypedRows, target: Target) -> pa.Table | None:
    """Return the last validated rows, as far back as the longest window reaches from the last of them on.

    Returns:
        The columns that windows read, in order of time; None where no window looks back.

    Raises:
        DataError: There is no row.
    """
    reach = Plan(features, rows, target).history
    if not reach or rows.timestamp is None:
        return None
    columns = history_columns(features, rows, target)
    days = list_parts(validated)
    last = next((table for day in reversed(days) if (table := _read([days[day]], columns)).num_rows), None)
    if last is None:
        raise DataError(f"{validated}: holds no rows; run `dvc repro`")
    begin = pc.max(last[rows.timestamp]).as_py() - dt.timedelta(microseconds=reach)
    table = _read([path for day, path in days.items() if day >= begin.date().isoformat()], columns)
    table = table.filter(pc.greater(table[rows.timestamp], begin))
    return table.sort_by([(rows.timestamp, "ascending"), (rows.key, "ascending")]).combine_chunks()


def _read(paths: list[Path], columns: list[str]) -> pa.Table:
    return dataset.dataset(paths, format="parquet").to_table(columns)
