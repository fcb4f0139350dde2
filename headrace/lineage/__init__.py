"""From a served answer back to what it came from: model, run, commit, days of data, rows of its windows."""

from headrace.lineage.steps import Answer, Commit, Data, Day, Model, Period, Row, Run, Trace, Window, Windows
from headrace.lineage.tracing import Place, trace

__all__ = [
    "Answer",
    "Commit",
    "Data",
    "Day",
    "Model",
    "Period",
    "Place",
    "Row",
    "Run",
    "Trace",
    "Window",
    "Windows",
    "trace",
]
