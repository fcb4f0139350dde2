"""Rows numbered by time and key, and how many rows of its entity before its own a row's windows start and end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.declaration.durations import microseconds
from headrace.features.plan import POSITION, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.features.plan import Frame, Plan


def times_of(table: pa.Table, timestamp: str | None) -> NDArray[np.int64]:
    """Return the time of each row in microseconds since 1970; zeros where rows have no time."""
    if timestamp is None:
        return np.zeros(table.num_rows, dtype=np.int64)
    times: NDArray[np.int64] = table[timestamp].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return times


def in_order(table: pa.Table, plan: Plan) -> pa.Table:
    """Return the rows by time, then by key."""
    import pyarrow.compute as pc  # slow to import, and the start of a service has no use for it

    for name in plan.entities:
        if pa.types.is_floating(table[name].type):  # 0.0 and -0.0 are one entity, which Arrow would tell apart
            table = table.set_column(table.column_names.index(name), name, pc.add(table[name], 0.0))
    if plan.rows.timestamp is None:
        return table
    times, keys = times_of(table, plan.rows.timestamp), table[plan.rows.key]
    later = np.diff(times)
    ties = np.flatnonzero(later == 0)
    if (later >= 0).all() and pc.all(pc.less(keys.take(ties), keys.take(ties + 1)), min_count=0).as_py():
        return table
    order = [(plan.rows.timestamp, "ascending"), (plan.rows.key, "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=order))


def with_positions(table: pa.Table, start: int, plan: Plan) -> pa.Table:
    """Add to rows in order their position, from `start` on, and their time in microseconds."""
    position = np.arange(start, start + table.num_rows, dtype=np.int64)
    times = times_of(table, plan.rows.timestamp)
    return table.append_column(POSITION, pa.array(position)).append_column(TIME, pa.array(times))


def with_frames(table: pa.Table, earlier: pa.Table, plan: Plan) -> pa.Table:
    """Add to rows how many rows of their entity before them every frame starts and ends.

    DuckDB then takes the frames as they are, and need not search the borders of each for every aggregate.

    Args:
        table: Rows in order, with their times.
        earlier: Rows before them, at least as far back as the longest window looks; their times and entities.
        plan: The resolved declaration.
    """
    names = [TIME, *plan.entities]
    rows = pa.concat_tables([earlier.select(names), table.select(names)])
    times = rows[TIME].to_numpy()
    frames = [[frame for frame in plan.frames if frame.entity == entity] for entity in plan.entities]
    with ThreadPoolExecutor() as pool:
        borders = pool.map(
            lambda entity, own: _borders(rows[entity], times, earlier.num_rows, own), plan.entities, frames
        )
        for columns in borders:
            for name, values in columns.items():
                table = table.append_column(name, pa.array(values))
    return table


def visible_later(table: pa.Table, earlier: pa.Table, plan: Plan) -> pa.Table:
    """Return the times and entities of the rows that a row after these may still see through a window."""
    names = [TIME, *plan.entities]
    rows = pa.concat_tables([earlier.select(names), table.select(names)])
    times = rows[TIME].to_numpy()
    return rows.slice(int(np.searchsorted(times, times[-1] - plan.history, side="right")) if len(times) else 0)


def _borders(
    values: pa.ChunkedArray, times: NDArray[np.int64], begin: int, frames: list[Frame]
) -> dict[str, NDArray[np.int64]]:
    """Return the columns of one entity's frames for the rows from `begin` on.

    Rows sorted by entity and then by place have keys that rise; a border is found among them by its entity and place.
    Frames are half-open: rows of the moment that a window starts at are out, those of the moment it ends at are in.
    """
    count = len(times)
    encoded = values.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    keys = (encoded.astype(np.int64) + 1) * count + np.arange(count)
    keys.sort()
    rank = np.flatnonzero(keys % count >= begin)
    place = keys[rank] % count
    entity = keys[rank] - place
    columns: dict[str, NDArray[np.int64]] = {}

    def back(age: int) -> NDArray[np.int64]:
        """Return by row how many rows of its entity before it are younger than an age, itself among them."""
        border = np.searchsorted(times, times[begin:] - age, side="right")
        younger = np.empty(count - begin, dtype=np.int64)
        younger[place - begin] = rank - np.searchsorted(keys, entity + border[place - begin])
        return younger

    for frame in frames:
        delay, span = microseconds(frame.delay), microseconds(frame.span)
        if frame.start not in columns:
            columns[frame.start] = back(delay + span)
        if delay and frame.end not in columns:
            columns[frame.end] = back(delay) + 1
    return columns
