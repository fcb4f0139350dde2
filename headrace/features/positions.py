"""Rows numbered by time and key, and the positions that each window frame begins and ends at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.declaration.durations import microseconds
from headrace.features.plan import POSITION, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.features.plan import Frame, Plan


def times_of(table: pa.Table, timestamp: str | None) -> NDArray[np.int64]:
    """Return the time of each row in microseconds since 1970; zeros where rows have no time."""
    if timestamp is None:
        return np.zeros(table.num_rows, dtype=np.int64)
    times: NDArray[np.int64] = pc.cast(table[timestamp], pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return times


def in_order(table: pa.Table, plan: Plan) -> pa.Table:
    """Return the rows by time, then by key."""
    if plan.rows.timestamp is None:
        return table
    times, keys = times_of(table, plan.rows.timestamp), table[plan.rows.key]
    later = np.diff(times)
    ties = np.flatnonzero(later == 0)
    if (later >= 0).all() and pc.all(pc.less(keys.take(ties), keys.take(ties + 1)), min_count=0).as_py():
        return table
    order = [(plan.rows.timestamp, "ascending"), (plan.rows.key, "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=order))


def with_positions(table: pa.Table, times: NDArray[np.int64], start: int, plan: Plan) -> pa.Table:
    """Add to rows their position, their time, and the first and last position of every frame.

    Args:
        table: Rows in order.
        times: The times of all rows, these among them, in order, in microseconds.
        start: The position of the first of these rows.
        plan: The resolved declaration.
    """
    own = times[start : start + table.num_rows]
    position = np.arange(start, start + table.num_rows, dtype=np.int64)
    table = table.append_column(POSITION, pa.array(position)).append_column(TIME, pa.array(own))
    columns: dict[str, NDArray[np.int64]] = {}
    for frame in plan.frames:
        if frame.first not in columns:
            columns[frame.first] = _first(times, own, frame)
        if frame.last not in columns:
            columns[frame.last] = _last(times, own, position, frame)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


def _first(times: NDArray[np.int64], own: NDArray[np.int64], frame: Frame) -> NDArray[np.int64]:
    begin = own - microseconds(frame.delay) - microseconds(frame.span)
    return np.searchsorted(times, begin, side="right").astype(np.int64)


def _last(
    times: NDArray[np.int64], own: NDArray[np.int64], position: NDArray[np.int64], frame: Frame
) -> NDArray[np.int64]:
    delay = microseconds(frame.delay)
    if delay:
        return np.searchsorted(times, own - delay, side="right").astype(np.int64) - 1
    return position - 1 if frame.before_row else position
