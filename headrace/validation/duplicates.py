"""Values that are declared unique, over all parts: the first valid row that has one stands, later ones are rejected.

This goes over the valid rows that are already written, since a value may come back in any later part. DuckDB finds the
values that repeat and spills to disk, so that memory is bounded; only parts that repeat one are written again.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.declaration.sql import quoted
from headrace.declaration.types import arrow_schema
from headrace.storage import list_parts, part_path
from headrace.validation.counting import ColumnCounts, count_columns
from headrace.validation.writing import REJECTED, read_pieces, rewrite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from headrace.declaration.rows import Schema
    from headrace.validation.counting import Counts

MEMORY = "2GB"


def reject_duplicates(counts: Counts, schema: Schema, validated: Path, rejected: Path) -> None:
    """Move the rows that repeat the key, or a unique column's value, from `validated` to `rejected`; count them."""
    for column in [name for name, declared in schema.columns.items() if declared.unique or name == schema.key]:
        repeats = _repeats(column, validated, counts)
        counts.rules[f"{column}: unique"] = len(repeats)
        for (name,), lines in repeats.group_by("part", maintain_order=True):
            part = str(name)
            _remove_rows(part, lines["place"].to_numpy(), schema, validated, counts)
            counts.parts[part].rejected.append(lines["row"].to_numpy())
            _add_lines(part, lines, rejected)


def _repeats(column: str, validated: Path, counts: Counts) -> pl.DataFrame:
    """Return a line for each later row that repeats a value: `part`, `place` (from 0, among valid rows), and a cell."""
    values = _repeated_values(column, validated)
    found = [
        pl.DataFrame({"part": part, "place": places, "row": _valid_rows(part, counts)[places], "value": texts})
        for part, path in list_parts(validated).items()
        for places, texts in [_places(path, column, values)]
        if len(places)
    ]
    if not found:
        return pl.DataFrame(schema={"part": pl.String, "place": pl.Int64})
    lines = pl.concat(found)
    first = lines.group_by("value", maintain_order=True).first()
    reason = pl.format("{} is a duplicate of the one in row {} of {}", "value", "row_right", "part_right")
    return (
        lines.join(first, on="value", how="left", maintain_order="left")
        .filter((pl.col("part") != pl.col("part_right")) | (pl.col("row") != pl.col("row_right")))
        .select("part", "place", "row", pl.lit(column).alias("column"), "value", reason=reason)
    )


def _repeated_values(column: str, validated: Path) -> pa.Array:
    files = [str(path) for path in list_parts(validated).values()]
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as connection,
    ):
        name = quoted(column)
        query = f"SELECT {name} FROM read_parquet($1) WHERE {name} IS NOT NULL GROUP BY {name} HAVING count(*) > 1"
        return connection.sql(query, params=[files]).to_arrow_table()[column].combine_chunks()


def _places(path: Path, column: str, values: pa.Array) -> tuple[np.ndarray, pa.Array]:
    if not len(values):
        return np.empty(0, np.int64), None
    present = pq.read_table(path, columns=[column])[column]
    places = np.flatnonzero(pc.is_in(present, values).to_numpy())
    return places, present.take(places).cast(pa.string()).combine_chunks()


def _valid_rows(part: str, counts: Counts) -> np.ndarray:
    """Return the numbers in the raw part of its valid rows."""
    return np.setdiff1d(np.arange(1, counts.parts[part].rows + 1), counts.parts[part].rejected_rows)


def _remove_rows(part: str, places: np.ndarray, schema: Schema, validated: Path, counts: Counts) -> None:
    path = part_path(validated, part)
    rewrite(path, _without(read_pieces(path), places), arrow_schema(schema.columns))
    valid: dict[str, ColumnCounts] = {}
    for piece in read_pieces(path):
        for name, counted in count_columns(piece, schema).items():
            valid[name] = valid.get(name, ColumnCounts()) + counted
    counts.parts[part].valid = valid


def _without(pieces: Iterable[pa.Table], places: np.ndarray) -> Iterator[pa.Table]:
    start = 0
    for piece in pieces:
        kept = ~np.isin(np.arange(start, start + piece.num_rows), places)
        start += piece.num_rows
        yield piece.filter(pa.array(kept))


def _add_lines(part: str, lines: pl.DataFrame, rejected: Path) -> None:
    path = part_path(rejected, part)
    added = lines.to_arrow().select(REJECTED.names).cast(REJECTED)
    standing = pq.read_table(path) if path.exists() else REJECTED.empty_table()
    rewrite(path, [pa.concat_tables([standing, added]).sort_by("row")], REJECTED)
