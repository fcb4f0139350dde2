"""What each step of a trace found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from headrace.errors import HeadraceError


class NotHere(HeadraceError):  # noqa: N818  it is called what it is
    """A step cannot be reached on this machine; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the prediction log holds of an answer."""

    request_id: str
    time: dt.datetime
    """When it was given, UTC."""
    prediction: Any
    score: float
    decision: str
    rule: str | None
    """The rule that decided, where one did."""
    variant: str
    model_version: str
    instance: dict[str, Any]
    """What was asked."""
    features: dict[str, Any]
    """What the model saw."""
    outcome: Any = None
    """The label that became known, as `{"label", "at"}`."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The version in the model registry."""

    name: str
    version: int
    digest: str
    """Of the winner's folder; its beginning is what answers say."""
    aliases: list[str]
    """Those that it has now."""
    run_id: str


@dataclass(frozen=True, kw_only=True)
class Period:
    """Rows that a candidate was trained on: time in `[since, until)`; both None where rows have no time."""

    since: str | None
    until: str | None
    rows: int
    positives: int | None
    """None where the target is not binary."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The MLflow run of the candidate."""

    run_id: str
    candidate: str
    ended: dt.datetime | None
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    """Those that say where it comes from: `headrace.*`, `dvc.*`, `mlflow.source.git.commit`."""
    trained: Period | None
    """None where neither the package nor the run's artifacts tell it here."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """The commit that was checked out when the run was written."""

    id: str
    subject: str
    uncommitted: bool
    """Whether files differed from it then."""
    params: str | None
    """`params.yaml` of that commit; None where it had none."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """A part of the data as it was ingested."""

    day: str
    """Such as `2018-04-01`, or `all` where rows have no time."""
    rows: int
    sha256: str
    trained: bool
    """Whether it is of the training period. Windows of its rows look back on earlier days."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """What was ingested for the run."""

    sha256: str
    """Of `ingest.json`, as the run's tag has it."""
    days: list[Day]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row that a window saw."""

    time: dt.datetime
    key: Any
    """None for a row that was asked without a key."""
    columns: dict[str, Any] | None
    """All that was validated of it; None where it is not among the validated rows here."""
    answered: bool
    """Whether it is the answered row itself."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """What features of one entity looked back on: rows with time after `since`, up to and including `until`."""

    entity: str
    value: Any
    span: str
    delay: str
    since: dt.datetime
    until: dt.datetime
    features: dict[str, Any]
    """The features that look through it, as the model saw them."""
    rows: list[Row]
    """Oldest first."""
    differs: str | None = None
    """Why these are not the rows that the model saw, where a count that it saw shows that."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """All windows of the answered row, in the order of the declaration."""

    store: str
    windows: list[Window]
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """An answer and what it came from. A step that is None is not reachable here; `missing` says why, by its name."""

    answer: Answer
    model: Model | None
    run: Run | None
    commit: Commit | None
    data: Data | None
    windows: Windows | None
    missing: dict[str, str]
