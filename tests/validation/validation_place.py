"""A folder with raw parts, and what validation makes of them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.rows import Column, Limits, Schema
from headrace.validation import Summary, validate

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """The data folder of a pipeline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = folder / "raw"
        self.validated, self.rejected = folder / "validated", folder / "rejected"
        self.result, self.failed = folder / "validation.json", folder / "failed"
        self.raw.mkdir(parents=True)

    def write(self, part: str, rows: dict[str, Any] | pa.Table, **options: Any) -> Path:
        """Write a raw part."""
        path = self.raw / f"{part}.parquet"
        pq.write_table(rows if isinstance(rows, pa.Table) else pa.table(rows), path, **options)
        return path

    def validate(self, schema: Schema) -> Summary:
        """Validate all parts."""
        return validate(self.raw, self.validated, self.rejected, self.result, schema)

    def valid(self, part: str = "all") -> dict[str, list[Any]]:
        """Return the valid rows of a part."""
        columns: dict[str, list[Any]] = pq.read_table(self.validated / f"{part}.parquet").to_pydict()
        return columns

    def cells(self, part: str = "all") -> list[tuple[int, str, str | None, str]]:
        """Return the rejected cells of a part."""
        path = self.rejected / f"{part}.parquet"
        return [tuple(line.values()) for line in pq.read_table(path).to_pylist()] if path.exists() else []

    def counts(self) -> dict[str, Any]:
        """Return validation.json."""
        counts: dict[str, Any] = json.loads(self.result.read_text())
        return counts

    def files(self) -> dict[str, bytes]:
        """Return all outputs, byte for byte."""
        outputs = [*self.validated.glob("*"), *self.rejected.glob("*"), self.result]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in outputs if path.exists()}


def make_schema(timestamp: str | None = None, checks: dict[str, str] | None = None, **columns: Column) -> Schema:
    """Return a schema with the key `id` that rejects any share of the rows."""
    return Schema(
        key="id",
        timestamp=timestamp,
        columns={"id": Column(type="integer"), **columns},
        checks=checks or {},
        limits=Limits(rejected_share=1.0, minimum_rows=0),
    )


def moment(text: str) -> dt.datetime:
    """Return a moment without a zone, as rows have them."""
    return dt.datetime.fromisoformat(text)


def days(count: int) -> list[str]:
    """Return the names of consecutive days."""
    return [(dt.date(2018, 4, 1) + dt.timedelta(days=day)).isoformat() for day in range(count)]
