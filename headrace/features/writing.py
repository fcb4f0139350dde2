"""A long result, cut into the parts of a table and written part by part."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.features.plan import POSITION
from headrace.storage import part_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

WRITERS = 4
"""Threads that compress parts, and how many parts wait for them at most: so many are in memory."""


def cut(reader: pa.RecordBatchReader, ends: Mapping[str, int]) -> Iterator[tuple[str, pa.Table]]:
    """Yield each part with its rows, as soon as a row of a later part is read.

    Args:
        reader: Rows in order of their position.
        ends: The position after the last row of each part, by part, in order.
    """
    held = reader.schema.empty_table()
    batches = iter(reader)
    more = True
    for part, end in ends.items():
        while more and not (held.num_rows and held[POSITION][-1].as_py() >= end):
            batch = next(batches, None)
            more = batch is not None
            held = pa.concat_tables([held, pa.Table.from_batches([batch])]) if more else held
        count = int(np.searchsorted(held[POSITION].to_numpy(), end))
        yield part, held.slice(0, count)
        held = held.slice(count)


def pick(table: pa.Table, ends: Mapping[str, int]) -> Iterator[tuple[str, pa.Table]]:
    """Yield each part with its rows in order.

    Args:
        table: Rows in any order, with their positions.
        ends: As for `cut`.
    """
    table = table.combine_chunks()
    positions = table[POSITION].to_numpy()
    order = np.argsort(positions)
    borders = np.searchsorted(positions, list(ends.values()), sorter=order)
    for part, rows in zip(ends, np.split(order, borders), strict=False):
        yield part, table.take(pa.array(rows))


def write_parts(parts: Iterable[tuple[str, pa.Table]], folder: Path) -> None:
    """Write each part to its file, without the position; a part without rows is written empty."""
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        for part, table in parts:
            if len(pending) == WRITERS:
                pending.pop(0).result()
            pending.append(pool.submit(_write, table.drop_columns(POSITION), part_path(folder, part)))
        for written in pending:
            written.result()


def _write(table: pa.Table, file: Path) -> None:
    # A dictionary pays for texts alone: with one, numbers take twice the time and a fifth more space.
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(table.combine_chunks(), file, compression="zstd", use_dictionary=texts)
