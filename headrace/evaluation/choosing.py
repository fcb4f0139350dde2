"""Who judges, by the task."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from headrace.declaration.modelling import TaskName
from headrace.evaluation.binary import BinaryJudge
from headrace.evaluation.multiclass import MulticlassJudge
from headrace.evaluation.regression import RegressionJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.declaration.modelling import Evaluation
    from headrace.evaluation.judging import Judge
    from headrace.tasks import Task

JUDGES: Mapping[str, type[Judge]] = MappingProxyType(
    {
        TaskName.binary: BinaryJudge,
        TaskName.multiclass: MulticlassJudge,
        TaskName.regression: RegressionJudge,
    }
)


def judge_of(task: Task, evaluation: Evaluation) -> Judge:
    """Return who judges the candidates of a task."""
    return JUDGES[task.name](task, evaluation)
