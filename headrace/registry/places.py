"""Where MLflow keeps its files: beside the project, wherever that was moved or copied to."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.declaration.modelling import Tracking

SQLITE = "sqlite:///"


def at_home(tracking: Tracking) -> Tracking:
    """Return the declaration with absolute paths.

    DVC runs queued experiments in copies of the project that it throws away, and names the project itself in DVC_ROOT:
    they meet the champion there, and what they register stays.
    """
    home = Path(os.environ.get("DVC_ROOT", "")).resolve()
    file, artifacts = sqlite_file(tracking.uri), tracking.artifacts
    if file is not None and file != Path():
        _, mark, query = tracking.uri.partition("?")
        tracking = dataclasses.replace(tracking, uri=f"{SQLITE}{home / file}{mark}{query}")
    if artifacts is not None and "://" not in artifacts:
        tracking = dataclasses.replace(tracking, artifacts=str(home / artifacts))
    return tracking


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI such as `sqlite:///mlflow.db`; None for any other URI."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]) if uri.startswith(SQLITE) else None


def artifact_place(tracking: Tracking, pipeline: str) -> str | None:
    """Return where a pipeline's artifacts belong; None where that is the server's choice."""
    if tracking.artifacts is None:
        return None
    if "://" in tracking.artifacts:
        return f"{tracking.artifacts.rstrip('/')}/{pipeline}"
    return str(Path(tracking.artifacts).resolve() / pipeline)


def follow_the_project(tracking: Tracking) -> None:
    """Write the present place of the artifacts into a SQLite file that names another, if they lie there.

    MLflow notes absolute paths: a copied project would write to the artifacts of the one it was copied from.
    """
    file = sqlite_file(tracking.uri)
    if file is None or not file.is_file() or tracking.artifacts is None or "://" in tracking.artifacts:
        return
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return
        for number, name, noted in connection.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ).fetchall():
            place = artifact_place(tracking, name)
            if place and noted and noted != place and Path(noted).name == name and Path(place).is_dir():
                _rewrite(connection, number, noted, place)


def _rewrite(connection: sqlite3.Connection, experiment: int, noted: str, place: str) -> None:
    """Change the beginning of an experiment's paths; model versions name their run, so they follow it."""
    connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (place, experiment))
    connection.execute(
        "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
        "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
        (place, len(noted) + 1, experiment, len(noted), noted),
    )
