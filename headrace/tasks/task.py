"""What a task answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.modelling import Target, TaskName
    from headrace.declaration.rows import Column

Array = npt.NDArray[Any]
Problem = tuple[str, str]


@dataclass(frozen=True)
class Task(ABC):
    """What a label is, and what a model's scores are.

    Labels are numbers, (rows,): 1 for positive and 0, the place of a class, or the label itself. Scores are (rows,):
    the probability of the positive class, or the number that is predicted; or (rows, classes): the probability of each.
    """

    classes: tuple[Any, ...] = ()
    """What is predicted, as the label's column has it, by the label's number; none of a number."""

    name: ClassVar[TaskName]
    label_dtype: ClassVar[str]
    """NumPy's type of labels."""

    @property
    def is_classification(self) -> bool:
        """Whether estimators have to be classifiers; regressors else."""
        return bool(self.classes)

    @classmethod
    @abstractmethod
    def of(cls, target: Target, column: Column) -> Task:
        """Return the task of a target that `check` finds nothing wrong with."""

    @classmethod
    @abstractmethod
    def check(cls, target: Target, column: Column) -> Iterator[Problem]:
        """Yield what is wrong with a target, as the key within `target` and a message that says what would be right."""

    @abstractmethod
    def count(self, labels: Array) -> dict[str, Any]:
        """Return what there is to say of labels beside how many they are, as plain values for a manifest."""

    @abstractmethod
    def lack(self, labels: Array, label: str, *, trains: bool) -> str | None:
        """Return what labels lack to be trained on, or to be judged on; None where it is nothing."""

    @abstractmethod
    def ask(self, estimator: Any, rows: Any) -> Array:
        """Return the scores that a fitted estimator gives, by scikit-learn's interface."""

    def restore(self, scores: Array, counted: Any) -> Array:
        """Return the scores of the real world, given what rows counted in training (`headrace.models.balance`)."""
        del counted
        return scores

    def describe(self) -> dict[str, Any]:
        """Return it as plain values, which `read_task` reads."""
        return {"name": str(self.name), "classes": [_plain(each) for each in self.classes]}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
