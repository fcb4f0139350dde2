"""The label as a number, in SQL over its column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.declaration.modelling import TaskName
from headrace.declaration.sql import literal, quoted
from headrace.declaration.types import duckdb_type

if TYPE_CHECKING:
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import Column
    from headrace.tasks import Task


def label_sql(target: Target, task: Task, column: Column) -> str:
    """Return 1 for positive and 0 else, the place of a class, or the number as a double; NULL where it is missing."""
    name, kind = quoted(target.column), duckdb_type(column.type)
    if task.name is TaskName.regression:
        return f"CAST({name} AS DOUBLE)"
    if task.name is TaskName.binary:
        return f"CAST({name} = {_value(target.positive, kind)} AS TINYINT)"
    cases = " ".join(f"WHEN {_value(value, kind)} THEN {place}" for place, value in enumerate(task.classes))
    return f"CAST(CASE {name} {cases} END AS SMALLINT)"


def _value(value: object, kind: str) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"CAST({literal(text)} AS {kind})"
