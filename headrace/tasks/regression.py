"""A number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.declaration.types import NUMBERS, type_kind
from headrace.tasks.task import Array, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import Column

SHARES = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Regression(Task):
    """Scores are what is predicted, in the label's unit."""

    name: ClassVar[TaskName] = TaskName.regression
    label_dtype: ClassVar[str] = "float64"

    @classmethod
    def of(cls, target: Target, column: Column) -> Regression:
        """Return the task."""
        del target, column
        return cls()

    @classmethod
    def check(cls, target: Target, column: Column) -> Iterator[Problem]:
        """Yield what is wrong."""
        if target.positive is not None:
            yield "positive", "is for task: binary; a number has no positive value"
        if type_kind(column.type) not in NUMBERS:
            yield "task", f"{target.column} is a {column.type}; what is predicted has to be one of {', '.join(NUMBERS)}"

    def count(self, labels: Array) -> dict[str, Any]:
        """Return the mean, and the deciles from the least to the most."""
        if not len(labels):
            return {"mean": None, "deciles": []}
        return {"mean": float(labels.mean()), "deciles": np.quantile(labels, SHARES).tolist()}

    def lack(self, labels: Array, label: str, *, trains: bool) -> str | None:
        """Return that there is nothing to tell apart."""
        del trains
        if len(labels) and labels.min() != labels.max():
            return None
        return f"all of them with one {label}; rows that differ in it are needed"

    def ask(self, estimator: Any, rows: Any) -> Array:
        """Return what is predicted, (rows,)."""
        return np.asarray(estimator.predict(rows), np.float64).ravel()
