"""A long result in order, cut into the parts of a table while it is read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.storage import part_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WRITERS = 4
"""Threads that compress parts, and how many parts wait for them at most: so many are in memory."""


def write_parts(reader: pa.RecordBatchReader, ends: Mapping[str, int], position: str, folder: Path) -> None:
    """Write each row of a result to its part; a part without rows is written empty.

    Args:
        reader: Rows in order of their position.
        ends: The position after the last row of each part, by part, in order.
        position: The column of the position, which is not written.
        folder: Where the parts go.
    """
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        for part, table in _parts(reader, ends, position):
            if len(pending) == WRITERS:
                pending.pop(0).result()
            pending.append(pool.submit(_write, table.drop_columns(position), part_path(folder, part)))
        for written in pending:
            written.result()


def _parts(reader: pa.RecordBatchReader, ends: Mapping[str, int], position: str) -> Iterator[tuple[str, pa.Table]]:
    """Yield each part with its rows, as soon as a row of a later part is read."""
    held = reader.schema.empty_table()
    batches = iter(reader)
    more = True
    for part, end in ends.items():
        while more and not (held.num_rows and held[position][-1].as_py() >= end):
            batch = next(batches, None)
            more = batch is not None
            held = pa.concat_tables([held, pa.Table.from_batches([batch])]) if more else held
        count = int(np.searchsorted(held[position].to_numpy(), end))
        yield part, held.slice(0, count)
        held = held.slice(count)


def _write(table: pa.Table, file: Path) -> None:
    # A dictionary pays for texts alone: with one, numbers take twice the time and a fifth more space.
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(table.combine_chunks(), file, compression="zstd", use_dictionary=texts)
