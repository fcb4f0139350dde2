"""What evaluation reads: the rows of the features table, and what each candidate left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.errors import DataError
from headrace.storage import list_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from headrace.metrics.ranking import Array


def read_parquet(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a Parquet file's columns.

    Raises:
        DataError: it is not there, cut short, or lacks a column.
    """
    try:
        table = pq.read_table(file, columns=list(columns) if columns is not None else None)
    except FileNotFoundError as error:
        raise DataError(f"{file}: no such file; `dvc repro` runs the stage that writes it") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{file}: no whole Parquet file ({error}); delete it and run `dvc repro`") from error
    missing = [column for column in columns or () if column not in table.column_names]
    if missing:
        raise DataError(f"{file}: no column {missing[0]}; found {', '.join(table.column_names)}")
    return table


def read_columns(folder: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns of all rows of a table, in the order of its parts."""
    parts = [read_parquet(file, columns) for file in list_parts(folder).values()]
    if not parts:
        raise DataError(f"{folder}: no parts; `dvc repro` runs the stage that writes them")
    frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    return frame


def read_rows(folder: Path, mask: Array) -> pa.Table:
    """Return all columns of the rows that `mask` is True for; parts without such a row stay closed.

    Args:
        folder: A table in parts.
        mask: True or False for each row, in the order of `read_columns`.
    """
    chosen, first = [], 0
    for file in list_parts(folder).values():
        rows = pq.read_metadata(file).num_rows
        part = mask[first : first + rows]
        if part.any() or not first:  # the first part gives the columns where no row is chosen
            chosen.append(read_parquet(file).filter(pa.array(part)))
        first += rows
    return pa.concat_tables(chosen, promote_options="permissive")


def read_rows_of(folder: Path, key: str, keys: pa.ChunkedArray, columns: Sequence[str]) -> pa.Table:
    """Return columns of the rows that have these keys, in the order of the keys.

    Raises:
        DataError: a key has no row.
    """
    wanted = keys.combine_chunks()
    found = []
    for file in list_parts(folder).values():
        mask = pc.is_in(read_parquet(file, [key])[key], wanted)
        if pc.any(mask).as_py():
            found.append(read_parquet(file, list(dict.fromkeys([key, *columns]))).filter(mask))
    rows = pa.concat_tables(found) if found else pa.table({key: wanted.slice(0, 0)})
    places = pc.index_in(wanted, rows[key].combine_chunks())
    if places.null_count:
        raise DataError(f"{folder}: {places.null_count} rows of the features table are not here; run `dvc repro`")
    return rows.take(places)


def candidate_folder(folder: Path, name: str) -> Path:
    """Return a candidate's folder.

    Raises:
        DataError: it was never trained.
    """
    own = folder / name
    if not (own / "manifest.json").is_file():
        raise DataError(f"{own}: no trained candidate here, but params.yaml lists it; run `dvc repro train@{name}`")
    return own


def check_features(folder: Path, manifest: Mapping[str, Any], features: Mapping[str, Any]) -> None:
    """Refuse a candidate that was trained on other features than the table has.

    Raises:
        DataError: names differ, or types do.
    """
    learned = {feature["name"]: feature["type"] for feature in manifest["features"]}
    present = {feature["name"]: feature["type"] for feature in features["features"]}
    if learned == present:
        return
    differ = sorted(name for name in learned.keys() | present.keys() if learned.get(name) != present.get(name))
    found = ", ".join(
        f"{name} ({learned.get(name, 'none')} in the model, {present.get(name, 'none')} in the table)"
        for name in differ
    )
    raise DataError(f"{folder}: trained on other features than the table has: {found}; train it again")
