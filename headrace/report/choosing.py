"""Whose sentences, by the task."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headrace.declaration.modelling import TaskName
from headrace.report import binary, multiclass, regression

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

OF_TASK: Mapping[str, ModuleType] = MappingProxyType(
    {TaskName.binary: binary, TaskName.multiclass: multiclass, TaskName.regression: regression}
)


def task_name(evaluation: Mapping[str, Any]) -> str:
    """Return the name of the task that was judged, by `evaluation.json`; those of old say none, and are binary."""
    return str(evaluation.get("task", {"name": TaskName.binary})["name"])


def sentences_of(evaluation: Mapping[str, Any]) -> ModuleType:
    """Return the module that says what the numbers of the task mean: `headline(evaluation)`, for one."""
    return OF_TASK[task_name(evaluation)]
