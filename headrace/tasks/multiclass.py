"""One of three or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.tasks.task import Array, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import Column

TYPES = ("category", "string", "integer")
FEWEST = 3


@dataclass(frozen=True)
class Multiclass(Task):
    """Scores are the probability of each class, (rows, classes); the most probable one is predicted."""

    name: ClassVar[TaskName] = TaskName.multiclass
    label_dtype: ClassVar[str] = "int16"

    @classmethod
    def of(cls, target: Target, column: Column) -> Multiclass:
        """Return the task; its classes are the values that the schema declares, in that order."""
        del target
        return cls(tuple(column.values or ()))

    @classmethod
    def check(cls, target: Target, column: Column) -> Iterator[Problem]:
        """Yield what is wrong."""
        if target.positive is not None:
            yield "positive", "is for task: binary; the classes of a multiclass target are the values in schema.yaml"
        if column.type not in TYPES:
            yield "task", f"{target.column} is a {column.type}; a class has to be one of {', '.join(TYPES)}"
        elif len(column.values or ()) < FEWEST:
            found = f"has {len(column.values)}" if column.values else "names none"
            needed = f"a multiclass target needs {FEWEST} or more `values` of {target.column}, and schema.yaml {found}"
            yield "task", f"{needed}; list them there, or declare task: binary"

    def count(self, labels: Array) -> dict[str, Any]:
        """Return how many are of each class."""
        counted = np.bincount(labels.astype(np.int64), minlength=len(self.classes)).tolist()
        return {"classes": dict(zip(map(str, self.classes), counted, strict=True))}

    def lack(self, labels: Array, label: str, *, trains: bool) -> str | None:
        """Return which classes are missing: training needs all of them, who is judged two of them at least."""
        present = np.unique(labels)
        if trains and len(present) < len(self.classes):
            missing = [repr(each) for place, each in enumerate(self.classes) if place not in present]
            return (
                f"none of them with {label} = {_either(missing)}; a model has to see every class: take such a class "
                "out of `values` in schema.yaml, or shorten what is kept for judging"
            )
        if len(present) < 2:
            return f"all of them with one {label}; at least two classes are needed to judge"
        return None

    def ask(self, estimator: Any, rows: Any) -> Array:
        """Return the probability of each class, (rows, classes)."""
        return np.asarray(estimator.predict_proba(rows), np.float64)

    def restore(self, scores: Array, counted: Sequence[float] | None) -> Array:
        """Return the probabilities of the real world, given what a row of each class counted in training."""
        if counted is None:
            return scores
        odds = scores / np.asarray(counted)
        restored: Array = odds / odds.sum(axis=1, keepdims=True)
        return restored


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
