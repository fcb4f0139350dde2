"""MLflow on another machine, or after its file was lost: what DVC holds is brought back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError
from headrace.registry.opening import in_store
from headrace.registry.runs import Evaluated, record
from headrace.registry.versions import add, admit, find_alias, find_model
from headrace.storage import digest, read_json

if TYPE_CHECKING:
    from headrace.declaration.modelling import Tracking
    from headrace.registry.opening import Store


def sync(pipeline: str, data: Path, tracking: Tracking, root: Path | None = None) -> list[str]:
    """Make MLflow hold the runs and the registered version that a pipeline's data folder tells of.

    An alias is given to a version that never had one, if it is free: who serves by now is not for old files to say.

    Args:
        pipeline: The pipeline's name.
        data: Its data folder.
        tracking: Where MLflow is.
        root: The repository; the working directory where it is left out.

    Returns:
        A line for each thing that was brought; none where nothing was missing.

    Raises:
        DataError: The data folder is not that of a finished `dvc repro`.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    evaluated = Evaluated.read(pipeline, data)
    registration = read_json(data / "registration.json")
    _check_winner(data / "winner", registration)

    def work(store: Store) -> list[str]:
        runs, lines = record(store, evaluated, root or Path())
        if registration["version"] is not None:
            lines += _bring_version(store, data / "winner", registration, runs[registration["candidate"]])
        return lines

    return in_store(tracking, work)


def _check_winner(winner: Path, registration: dict[str, Any]) -> None:
    found = digest(winner)
    if found != registration["digest"]:
        raise DataError(
            f"{winner}: its digest is {found}, registration.json is of {registration['digest']}; run `dvc repro`"
        )


def _bring_version(store: Store, winner: Path, registration: dict[str, Any], run_id: str) -> list[str]:
    name, alias = registration["model_name"], registration["alias"]
    known = find_model(store, name, winner)
    version = known or add(store, name, winner, run_id)
    lines = [] if known else [f"the model {name} v{version.number} is registered"]
    if version.admitted is None and find_alias(store, name, alias) is None:
        admit(store, version, alias)
        lines.append(f"the model {name} v{version.number} is {alias}")
    return lines
