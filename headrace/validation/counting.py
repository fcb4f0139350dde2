"""What was found, counted part by part: rows, missing values, moments of numbers, how often each listed value came."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from headrace.declaration.types import NUMBERS, type_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from headrace.declaration.rows import Schema

WITH_RANGE = (*NUMBERS, "timestamp", "date")


@dataclass
class Moments:
    """Count, mean and spread of a column's numbers; `squares` is the sum of their squared distances from the mean."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Moments:
        """Return the moments of the values that are not missing."""
        numbers = column.drop_null().cast("float64").to_numpy()
        if not len(numbers):
            return cls()
        mean = float(numbers.mean())
        return cls(len(numbers), mean, float(np.square(numbers - mean).sum()))

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both taken together (Chan, Golub and LeVeque 1983)."""
        count = self.count + other.count
        if not other.count or not self.count:
            return other if other.count else self
        distance = other.mean - self.mean
        mean = self.mean + distance * other.count / count
        squares = self.squares + other.squares + distance**2 * self.count * other.count / count
        return Moments(count, mean, squares)

    @property
    def standard_error(self) -> float:
        """How far the mean of so many values lies from the truth by chance alone."""
        return math.sqrt(self.squares / (self.count - 1) / self.count) if self.count > 1 else math.inf


@dataclass
class ColumnCounts:
    """A column's valid values in some rows."""

    moments: Moments = field(default_factory=Moments)
    lowest: Any = None
    highest: Any = None
    frequencies: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        """Return the counts of both taken together."""
        lowest = [value for value in (self.lowest, other.lowest) if value is not None]
        highest = [value for value in (self.highest, other.highest) if value is not None]
        return ColumnCounts(
            self.moments + other.moments,
            min(lowest, default=None),
            max(highest, default=None),
            self.frequencies + other.frequencies,
        )


@dataclass
class PartCounts:
    """What a part holds."""

    rows: int
    missing: Counter[str] = field(default_factory=Counter)
    """By column, over all rows."""
    uncast: Counter[str] = field(default_factory=Counter)
    """By column, the values of another type, over all rows."""
    rejected: list[np.ndarray] = field(default_factory=list)
    """The numbers of rejected rows in the raw part, counted from 1."""
    valid: dict[str, ColumnCounts] = field(default_factory=dict)
    """By column, over valid rows."""

    @property
    def rejected_rows(self) -> np.ndarray:
        """The numbers of all rejected rows, in order."""
        return np.sort(np.concatenate([np.empty(0, np.int64), *self.rejected]))


@dataclass
class Counts:
    """What all parts hold."""

    parts: dict[str, PartCounts] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    """How many rows break each rule."""

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts.values())

    @property
    def rejected(self) -> int:
        """Rejected rows of all parts."""
        return sum(len(part.rejected_rows) for part in self.parts.values())

    def column(self, name: str) -> ColumnCounts:
        """Return a column's counts over all parts."""
        return added(part.valid[name] for part in self.parts.values() if name in part.valid)


def added(counts: Iterable[ColumnCounts]) -> ColumnCounts:
    """Return the counts of all taken together, in their order."""
    return sum(counts, ColumnCounts())


def count_columns(rows: pa.Table, schema: Schema) -> dict[str, ColumnCounts]:
    """Count the valid rows of a part, or of a piece of it."""
    counts = {}
    for name, column in schema.columns.items():
        kind, values = type_kind(column.type), rows[name]
        counted = ColumnCounts()
        if kind in NUMBERS:
            counted.moments = Moments.of(values)
        if kind in WITH_RANGE and len(values):
            counted.lowest, counted.highest = pc.min_max(values).as_py().values()
        if column.values is not None or kind == "boolean":
            found = pc.value_counts(values.drop_null())
            counted.frequencies = Counter({str(entry["values"]): entry["counts"] for entry in found.to_pylist()})
        counts[name] = counted
    return counts
