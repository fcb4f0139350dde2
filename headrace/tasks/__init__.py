"""What differs by what the label is: one of two values, one of many, or a number. A file for each."""

from headrace.tasks.choosing import check_target, read_task, task_of
from headrace.tasks.columns import as_column, from_column
from headrace.tasks.task import Task

__all__ = ["Task", "as_column", "check_target", "from_column", "read_task", "task_of"]
