"""From a declared split to the sides of a table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.errors import ConfigError, DataError
from headrace.splits.by_key import split_by_key
from headrace.splits.by_time import Clock, split_by_time
from headrace.storage import DAY_FORMAT, WHOLE, list_parts
from headrace.tasks import Task, read_task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from headrace.declaration.modelling import Split
    from headrace.splits.sides import Folds


class Columns(NamedTuple):
    """Columns that a split needs, by name: those of `features.json`."""

    key: str
    timestamp: str | None
    label: str
    task: Task = read_task({})
    """What the label is."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Columns:
        """Read `features.json`."""
        return cls(manifest["key"], manifest["timestamp"], manifest["label"], read_task(manifest))


def end_of_data(folder: Path) -> datetime | None:
    """Return the day after the last part of a table, or None where its rows have no time.

    The last part counts even if it is empty: a day without rows is a day.
    """
    parts = list(list_parts(folder))
    if not parts:
        raise DataError(f"{folder}: no parts; run the stage that writes them")
    return None if parts == [WHOLE] else datetime.strptime(parts[-1], DAY_FORMAT) + timedelta(days=1)  # noqa: DTZ007


def split_rows(rows: pd.DataFrame, split: Split, delay: str, end: datetime | None, columns: Columns) -> Folds:
    """Split a table as declared.

    Args:
        rows: At least the columns that `columns` names, and the entity of `exclude_known`; in any order.
        split: The declaration.
        delay: How long after its row a label is known.
        end: Where the data end, from `end_of_data`.
        columns: Which columns of `rows` are the key, the timestamp and the label.

    Raises:
        DataError: There is too little data for the declared split, or a side lacks labels, such as those of a class.
        ConfigError: The split asks for time or an entity that the table does not have.
    """
    labels = rows[columns.label].to_numpy()
    if split.time is None:
        if split.rows is None:
            raise ConfigError("split: one of time and rows has to be given; found neither")
        sides = split_by_key(rows[columns.key].to_numpy(), split.rows)
    else:
        if columns.timestamp is None or end is None:
            raise ConfigError(
                "split.time: rows have no time (schema.yaml: timestamp is null); declare split.rows instead"
            )
        clock = Clock.of(split.time, delay, end)
        times = rows[columns.timestamp].to_numpy().astype("datetime64[us]")
        sides = split_by_time(times, labels, _entities(rows, split.time.exclude_known), clock)
    _refuse_lack(sides, labels, columns)
    return sides


def _entities(rows: pd.DataFrame, column: str | None) -> NDArray[np.int64] | None:
    if column is None:
        return None
    if column not in rows:
        raise ConfigError(f"split.time.exclude_known: '{column}' is no entity of a window in features.yaml")
    codes: NDArray[np.int64] = rows[column].factorize()[0]
    return codes


def _refuse_lack(sides: Folds, labels: NDArray[Any], columns: Columns) -> None:
    trains = {id(side) for side in (sides.train, *(fold.train for fold in sides.folds))}
    for side in sides.sides:
        lack = columns.task.lack(labels[side.mask], columns.label, trains=id(side) in trains)
        if lack is not None:
            period = (
                f" ({side.since:%Y-%m-%d %H:%M} to {side.until:%Y-%m-%d %H:%M})" if side.since and side.until else ""
            )
            raise DataError(f"split: {side.name}{period} has {int(side.mask.sum()):,} rows, {lack}")
