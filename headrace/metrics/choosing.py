"""Metrics by task and name."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.errors import ConfigError, DataError
from headrace.metrics import multiclass, regression, scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.metrics.ranking import Array
    from headrace.metrics.scores import Weighted

_OF_TASK = {TaskName.binary: scores, TaskName.multiclass: multiclass, TaskName.regression: regression}
_NEEDED = {
    TaskName.binary: "rows of both classes",
    TaskName.multiclass: "rows of at least two classes",
    TaskName.regression: "labels that differ",
}


def weighted(task: str, metric: str, labels: Array, predicted: Array) -> Weighted:
    """Return a function from row weights (None: all weigh the same) to the metric; rows are sorted just once here.

    It gives NaN where the weights leave a class without rows and the metric needs it, or labels all alike.

    Raises:
        ConfigError: the task has no such metric.
        DataError: labels and scores differ in length, or a score is no number.
    """
    known = _OF_TASK[TaskName(task)].PREPARE
    if metric not in known:
        choose = ", ".join(known)
        raise ConfigError(f"evaluation.metric: {metric!r} is no metric of a {task} target; choose one of {choose}")
    labels, told = np.asarray(labels), np.asarray(predicted, dtype=np.float64)
    if len(labels) != len(told) or labels.ndim != 1:
        raise DataError(f"labels have the shape {labels.shape}, scores {told.shape}; there has to be one score a label")
    if not np.isfinite(told).all():
        raise DataError(f"scores: {int((~np.isfinite(told)).sum())} of {told.size} are no finite numbers")
    prepared: Weighted = known[metric](labels, told)
    return prepared


def _whole(task: TaskName, metric: str, labels: Array, predicted: Array) -> float:
    value = weighted(task, metric, labels, predicted)(None)
    if np.isnan(value):
        raise DataError(f"{metric} needs {_NEEDED[task]}; found {len(labels)} rows, {_found(task, labels)}")
    return value


def _found(task: TaskName, labels: Array) -> str:
    if task is TaskName.binary:
        return f"{int(np.count_nonzero(labels))} of them positive"
    return f"{len(np.unique(labels))} distinct labels"


METRICS: Mapping[str, Mapping[str, Callable[[Array, Array], float]]] = MappingProxyType(
    {
        task: MappingProxyType({name: partial(_whole, task, name) for name in each.PREPARE})
        for task, each in _OF_TASK.items()
    }
)
"""Metrics of scores by task and name: `METRICS["binary"]["roc_auc"](labels, scores)`.

They raise DataError where they are not defined, such as with a class that has no rows.
"""

GREATER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {name: better for each in _OF_TASK.values() for name, better in each.GREATER_IS_BETTER.items()}
)
