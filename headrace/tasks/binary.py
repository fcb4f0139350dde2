"""One of two: positive or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.declaration.types import python_type
from headrace.tasks.task import Array, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import Column


@dataclass(frozen=True)
class Binary(Task):
    """Scores are the probability of the positive class; from a threshold on a row is flagged."""

    name: ClassVar[TaskName] = TaskName.binary
    label_dtype: ClassVar[str] = "int8"

    @classmethod
    def of(cls, target: Target, column: Column) -> Binary:
        """Return the task; its classes are the label's own values where it has two, and 0 and 1 otherwise."""
        values = [False, True] if column.type == "boolean" else column.values or []
        others = [value for value in values if value != target.positive]
        two = len(values) == 2 and len(others) == 1
        return cls((others[0], target.positive) if two else (0, 1))

    @classmethod
    def check(cls, target: Target, column: Column) -> Iterator[Problem]:
        """Yield what is wrong."""
        positive, values, kind = target.positive, column.values, python_type(column.type)
        if positive is None:
            yield "positive", f"missing; say which value of {target.column} is positive, or another task"
        elif values is not None and positive not in values:
            yield "positive", f"{positive!r} is none of the values of {target.column}: {', '.join(map(repr, values))}"
        elif not isinstance(positive, kind) and kind in {int, str, bool}:
            yield "positive", f"{positive!r} is no value of {target.column}, which is declared {column.type}"

    def count(self, labels: Array) -> dict[str, Any]:
        """Return how many are positive."""
        return {"positives": int(np.count_nonzero(labels == 1))}

    def lack(self, labels: Array, label: str, *, trains: bool) -> str | None:
        """Return that a class is missing."""
        del trains
        positives = int(np.count_nonzero(labels == 1))
        if positives not in {0, len(labels)}:
            return None
        return f"by {label} {positives:,} of them positive; both classes are needed"

    def ask(self, estimator: Any, rows: Any) -> Array:
        """Return the probability of the positive class, (rows,)."""
        return np.asarray(estimator.predict_proba(rows)[:, 1], np.float64)

    def restore(self, scores: Array, counted: float) -> Array:
        """Return the probabilities of the real world, given what a negative counted for each positive."""
        if counted == 1:
            return scores
        restored: Array = counted * scores / (counted * scores + 1 - scores)
        return restored
