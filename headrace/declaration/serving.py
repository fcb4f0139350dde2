"""How a pipeline is served: `serving.yaml`. What differs from machine to machine the environment may say instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Optional


class OnFailure(StrEnum):
    """What is done with a request while a store cannot be reached."""

    refuse = "refuse"
    """It is answered with 503, and the service is not ready."""
    serve = "serve"
    """It is answered all the same, and counted."""


@dataclass(kw_only=True)
class Windows:
    """Where entity windows are kept."""

    url: Optional[str] = None
    """`redis://host:6379/0`; a file in the state folder where it is null."""
    on_failure: OnFailure = OnFailure.refuse
    """What is done with a request whose windows cannot be reached; `serve` takes their features for missing."""


@dataclass(kw_only=True)
class PredictionLog:
    """What is kept of every answer."""

    url: Optional[str] = None
    """An SQLAlchemy URL such as `postgresql+psycopg://user@host/db`; a file in the state folder where it is null."""
    on_failure: OnFailure = OnFailure.refuse
    """What is done with a request whose answer cannot be logged; with `refuse` nothing is acknowledged that is not in
    the log."""
    subject: Optional[str] = None
    """The column that says whose row it is: kept as a keyed hash, by which a person's rows are found and erased."""
    retention: str = "90d"
    """How long an answer is kept."""


@dataclass(kw_only=True)
class Access:
    """Who may ask."""

    enabled: bool = False
    """Without it all may: for loopback alone."""
    requests_per_second: float = 1000.0
    """For each token, unless it has a limit of its own."""
    largest_body: int = 8_388_608
    """Bytes. A batch of 10,000 card transactions has one and a half million."""


@dataclass(kw_only=True)
class Serving:
    """All of it."""

    workers: Optional[int] = None
    """Processes that answer; one for each core that BentoML finds where it is null."""
    variant: str = "champion"
    """What answers of this service are told apart by, where several models answer side by side."""
    windows: Windows = field(default_factory=Windows)
    log: PredictionLog = field(default_factory=PredictionLog)
    access: Access = field(default_factory=Access)
