"""What an answer says of a score: a label, how probable it is, or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.declaration.modelling import TaskName

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.tasks import Task


class Said(NamedTuple):
    """What the model says of a row."""

    prediction: Any
    """As the label's column has it."""
    score: float
    """The probability of the positive class, or of the class that is predicted, or the number."""
    probabilities: dict[str, float] | None = None
    """Of each class, where there are three or more."""


def saying(task: Task, threshold: float | None) -> Callable[[Any], Said]:
    """Return what makes of a scorer's score what is said.

    Args:
        task: What the label is.
        threshold: The score from which a row is taken for positive; None where the task has none.
    """
    if task.name is TaskName.regression:
        return lambda number: Said(number, number)
    classes = task.classes
    if task.name is TaskName.binary:
        assert threshold is not None
        return lambda probability: Said(classes[probability >= threshold], probability)
    names = [str(each) for each in classes]

    def of_classes(probabilities: Any) -> Said:
        place, told = int(probabilities.argmax()), probabilities.tolist()
        return Said(classes[place], told[place], dict(zip(names, told, strict=True)))

    return of_classes
