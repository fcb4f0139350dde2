"""The task of a target, by its name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headrace.declaration.modelling import TaskName
from headrace.tasks.binary import Binary
from headrace.tasks.multiclass import Multiclass
from headrace.tasks.regression import Regression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import Column
    from headrace.tasks.task import Problem, Task

TASKS: Mapping[str, type[Task]] = MappingProxyType({each.name: each for each in (Binary, Multiclass, Regression)})


def task_of(target: Target, columns: Mapping[str, Column]) -> Task:
    """Return the task of a declared target."""
    return TASKS[target.task].of(target, columns[target.column])


def check_target(target: Target, column: Column) -> Iterator[Problem]:
    """Yield what is wrong, as the key within `target` and a message that says what would be right."""
    yield from TASKS[target.task].check(target, column)


def read_task(manifest: Mapping[str, Any]) -> Task:
    """Return the task that a manifest of features or of a model says; those of old say none, and are binary."""
    told = manifest.get("task", {"name": TaskName.binary, "classes": [0, 1]})
    return TASKS[told["name"]](tuple(told["classes"]))
