"""The features table, with its rows dealt out to validation and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.evaluation.expressions import is_knowable, lost_amounts
from headrace.evaluation.judging import Rows, TestRows
from headrace.evaluation.reading import read_columns, read_rows
from headrace.splits import Columns, Folds, end_of_data, split_rows
from headrace.storage import read_json

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from headrace.declaration.modelling import Evaluation
    from headrace.declaration.pipeline import EvaluateConfig
    from headrace.metrics.ranking import Array
    from headrace.splits import Side
    from headrace.tasks import Task


@dataclass(frozen=True)
class FeatureTable:
    """The features table: what its columns are, and which of its rows judge."""

    folder: Path
    manifest: dict[str, Any]
    """`features.json`."""
    task: Task
    """What the label is."""
    labels: Array
    """The label of each row of the table, as a number."""
    folds: Folds
    known: dict[str, Any] | None
    """The entity of `split.time.exclude_known`, and how many rows of the test period are left out for it."""

    @classmethod
    def read(cls, folder: Path, config: EvaluateConfig) -> FeatureTable:
        """Read who the rows are, and split them as training did."""
        manifest = read_json(folder / "features.json")
        columns = Columns.of(manifest)
        known = config.split.time.exclude_known if config.split.time else None
        rows = read_columns(folder, [name for name in dict.fromkeys((*columns[:3], known)) if name])
        folds = split_rows(rows, config.split, config.target.delay, end_of_data(folder), columns)
        left_out = _count_left_out(rows, columns.timestamp, folds.test) if known else 0
        named = {"entity": known, "rows": left_out} if known else None
        return cls(folder, manifest, columns.task, rows[columns.label].to_numpy(), folds, named)

    @property
    def identity(self) -> list[str]:
        """The columns that say who a row is: its key, its time and its entities."""
        first = [self.manifest["key"], self.manifest["timestamp"]]
        return list(dict.fromkeys(name for name in [*first, *self.manifest["entities"]] if name))

    @property
    def features(self) -> list[str]:
        """The columns that a model reads."""
        return [feature["name"] for feature in self.manifest["features"]]

    def test_rows(self, evaluation: Evaluation) -> TestRows:
        """Read the test rows, with what the declaration asks about them."""
        table = read_rows(self.folder, self.folds.test.mask)
        rows = Rows.of(table, self.manifest["label"], self.manifest["timestamp"], evaluation)
        lost = lost_amounts(evaluation.costs.false_negative, table, rows.labels) if evaluation.costs else None
        knowable = is_knowable(evaluation.knowable, table) if evaluation.knowable else None
        return TestRows(rows, table, lost, knowable)


def _count_left_out(rows: pd.DataFrame, timestamp: str | None, side: Side) -> int:
    """Return how many rows of a side's period are not on the side."""
    times = rows[timestamp]
    return int(((times >= side.since) & (times < side.until) & ~side.mask).sum())
