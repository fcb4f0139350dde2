"""One line for each rejected cell: where it is, what it holds, and all that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from headrace.validation.reading import raw_kind

if TYPE_CHECKING:
    from headrace.validation.rules import Failure

CELLS = pl.Schema({"position": pl.Int64, "column": pl.String, "value": pl.String, "reason": pl.String})


def rejected_cells(failures: list[Failure], raw: pa.Table) -> pl.DataFrame:
    """Return the cells that break rules: `position` in the raw rows (from 0), `column`, raw `value`, `reason`.

    A row that breaks a condition over several columns has one line for them together. The lines are in order of rows,
    and within a row in order of columns.
    """
    if not failures:
        return CELLS.to_frame()
    lines = pl.concat([_lines(failure, raw, order) for order, failure in enumerate(failures)])
    return (
        lines.group_by("position", "column")
        .agg(pl.col("value").first(), pl.col("order").min(), pl.col("says").sort_by("order").str.join("; "))
        .sort("position", "order")
        .select("position", "column", "value", reason="says")
    )


def _lines(failure: Failure, raw: pa.Table, order: int) -> pl.DataFrame:
    columns = failure.rule.columns
    positions = failure.rows.cast(pl.Int64).alias("position")
    texts = pl.DataFrame({column: _texts(raw[column], positions) for column in columns})
    if len(columns) == 1:
        value = pl.col(columns[0])
        mark = "'" if raw_kind(raw[columns[0]].type) == "text" else ""
        says = (
            pl.when(value.is_null()).then(pl.lit("")).otherwise(pl.format("{}{}{} ", pl.lit(mark), value, pl.lit(mark)))
        )
    else:
        value = pl.concat_str(pl.all().fill_null("null"), separator=", ")
        says = pl.lit("")
    return texts.select(
        positions,
        order=pl.lit(order),
        column=pl.lit(", ".join(columns)),
        value=value,
        says=says + pl.lit(failure.rule.says),
    )


def _texts(column: pa.ChunkedArray, positions: pl.Series) -> pl.Series:
    return pl.Series(column.take(pa.array(positions.to_numpy())).cast(pa.string()))
