"""Work with MLflow: quietly, one process at a time, again where it was away for a moment."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from headrace.errors import HeadraceError, TrackingError
from headrace.registry.places import SQLITE, at_home, follow_the_project, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mlflow import MlflowClient

    from headrace.declaration.modelling import Tracking

Found = TypeVar("Found")

ATTEMPTS = 4
# Read when MLflow is imported: nothing goes out of the house, and its log is not our user's business. Its own retries
# would wait for minutes; ours do the whole work again, which writes nothing twice.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_ALREADY_EXISTS")
"""What may be otherwise a little later; what another machine made just now is found then."""


@dataclass(frozen=True)
class Store:
    """MLflow, where a pipeline keeps its runs and its registered model."""

    client: MlflowClient
    tracking: Tracking


def in_store(tracking: Tracking, work: Callable[[Store], Found]) -> Found:
    """Return what `work` returns; it is done again, after growing waits, where MLflow cannot be reached.

    Args:
        tracking: Where MLflow is.
        work: What to do there. It must not write twice what is there already.

    Raises:
        TrackingError: MLflow is away for good, or refuses; the message has no credentials.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    tracking = at_home(tracking)

    def once() -> Found:
        _make_whole(tracking.uri)
        follow_the_project(tracking)
        client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
        return work(Store(client, tracking))

    retry = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=1),
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )
    try:
        with _alone(tracking.uri):
            return retry(once)
    except HeadraceError:
        raise
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise TrackingError(f"{without_secrets(tracking.uri)}: {_first_line(error)}") from error


def without_secrets(text: str) -> str:
    """Return text with the users and passwords of the URLs in it left out."""
    text = re.sub(r"://[^/\s@]+@", "://***@", text)
    return re.sub(r"(?i)\b(password|passwd|token|secret)=[^&\s]+", r"\1=***", text)


@contextlib.contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Let one process of this machine work with an MLflow at a time; whoever uses its SQLite file, on any machine."""
    from filelock import FileLock

    file = sqlite_file(uri)
    if file is None:
        name = f"headrace-{os.getuid()}-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.lock"
        lock = Path(tempfile.gettempdir(), name)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.with_name(f"{file.name}.lock")
    with FileLock(lock):
        yield


def _make_whole(uri: str) -> None:
    """Make the SQLite file where there is none, in a folder beside it: MLflow cannot go on with a half-made one."""
    file = sqlite_file(uri)
    if file is None or file.exists():
        return
    from mlflow import MlflowClient

    beside = file.with_name(f".{file.name}.writing")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    made = f"{SQLITE}{beside / file.name}"
    MlflowClient(tracking_uri=made, registry_uri=made).search_experiments(max_results=1)
    (beside / file.name).rename(file)
    shutil.rmtree(beside)


def _may_pass(error: BaseException) -> bool:
    cause = error.__cause__ if isinstance(error, TrackingError) else error
    return getattr(cause, "error_code", None) in PASSING or isinstance(cause, ConnectionError | TimeoutError)


def _first_line(error: BaseException) -> str:
    return without_secrets(str(error).strip().split("\n", 1)[0])
