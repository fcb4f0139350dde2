"""The valid rows to one side, the others with their reasons to the other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from headrace.console import track
from headrace.declaration.types import arrow_schema
from headrace.validation.cells import rejected_cells
from headrace.validation.conforming import DAY, UNCAST, conform
from headrace.validation.counting import ColumnCounts, Counts, PartCounts, count_columns
from headrace.validation.reading import count_pieces, read_batches
from headrace.validation.rules import Rules
from headrace.validation.writing import REJECTED, PartWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.declaration.rows import Schema
    from headrace.validation.reading import Batch, RawPart, Slice

UNDATED = "undated"
"""The part of rows whose time could not be read: none of them is valid, and none has a day to be kept under."""
NO_DAY = np.datetime64("0001-01-01", "D")


def sort_rows(parts: list[RawPart], schema: Schema, validated: Path, rejected: Path) -> Counts:
    """Write valid rows to the folder `validated` and rejected cells to `rejected`, in one pass over all parts.

    Raises:
        DataError: a rule cannot be computed on these rows.
        IntegrityError: a raw part is not whole.
    """
    with (
        duckdb.connect() as connection,
        PartWriter(validated, arrow_schema(schema.columns)) as good,
        PartWriter(rejected, REJECTED) as bad,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        sorter = _Sorter(schema, connection, good, bad)
        done = (piece for batch in read_batches(parts) for piece in sorter.sort(batch))
        for _ in track(done, "validate", sum(map(count_pieces, parts))):
            pass
    return sorter.counts


class _Sorter:
    def __init__(
        self, schema: Schema, connection: duckdb.DuckDBPyConnection, good: PartWriter, bad: PartWriter
    ) -> None:
        self._schema = schema
        self._rules = Rules(schema)
        self._connection = connection
        self._good, self._bad = good, bad
        self.counts = Counts(rules=Counter(dict.fromkeys(self._rules.rules, 0)))

    def sort(self, batch: Batch) -> Iterator[Slice]:
        """Sort the rows of a batch; yield its slices as they are done."""
        raw = batch.rows if self._schema.timestamp is None else batch.rows.append_column(DAY, _days(batch))
        rows = conform(self._connection, raw, self._schema)
        failures = self._rules.failures(pl.DataFrame(rows))
        for failure in failures:
            self.counts.rules[failure.rule.name] += len(failure.rows)
        cells = rejected_cells(failures, batch.rows)
        failed = np.zeros(len(rows), bool)
        failed[cells["position"].to_numpy()] = True
        for piece in batch.slices:
            self._keep(piece, rows.slice(piece.offset, piece.rows), failed[piece.offset : piece.offset + piece.rows])
            self._reject(piece, cells)
            yield piece

    def _keep(self, piece: Slice, rows: pa.Table, failed: np.ndarray) -> None:
        part = self.counts.parts.setdefault(piece.part.name, PartCounts(0))
        part.rows += piece.rows
        for name in self._schema.columns:
            uncast = rows[UNCAST + name].to_numpy().sum()
            part.uncast[name] += int(uncast)
            part.missing[name] += rows[name].null_count - int(uncast)
        part.rejected.append(np.flatnonzero(failed) + piece.first_row)
        if piece.part.name == UNDATED:
            return
        valid = rows.filter(pa.array(~failed)) if failed.any() else rows
        self._good.write(piece.part.name, valid)
        for name, counted in count_columns(valid, self._schema).items():
            part.valid[name] = part.valid.get(name, ColumnCounts()) + counted

    def _reject(self, piece: Slice, cells: pl.DataFrame) -> None:
        mine = cells.filter(pl.col("position").is_between(piece.offset, piece.offset + piece.rows, closed="left"))
        if len(mine):
            row = pl.col("position") - piece.offset + piece.first_row
            self._bad.write(piece.part.name, mine.with_columns(row=row).to_arrow())


def _days(batch: Batch) -> pa.ChunkedArray:
    """Return for each row the day that its part is named after; the undated part gets one that no row is on."""
    days = [
        np.full(piece.rows, NO_DAY if piece.part.name == UNDATED else np.datetime64(piece.part.name, "D"))
        for piece in batch.slices
    ]
    return pa.chunked_array([pa.array(np.concatenate(days), pa.date32())])
