"""The steps one after the other; one that cannot be reached here does not keep the next from being taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from headrace.errors import HeadraceError
from headrace.lineage.commits import find_commit
from headrace.lineage.data import find_data
from headrace.lineage.models import find_model, find_run
from headrace.lineage.steps import Answer, Commit, Data, Model, NotHere, Run, Trace, Windows
from headrace.lineage.windows import find_windows
from headrace.service import package_folder, read_contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.declaration.modelling import Tracking
    from headrace.prediction_log import Stored
    from headrace.service.contents import Contents

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a trace looks."""

    pipeline: str
    root: Path
    """The repository, with `data/<pipeline>` in it."""
    tracking: Tracking
    windows: str
    """The URL of the live windows."""

    @property
    def data(self) -> Path:
        """The pipeline's data folder."""
        return self.root / "data" / self.pipeline


def trace(stored: Stored, place: Place) -> Trace:
    """Follow an answer back to what it came from.

    Args:
        stored: The answer, from the prediction log.
        place: Where to look.

    Returns:
        What each step found, and of the others why not.
    """
    answer, missing = _answer(stored), dict[str, str]()

    def step(name: str, find: Callable[[], Found]) -> Found | None:
        try:
            return find()
        except HeadraceError as error:
            missing[name] = " ".join(str(error).split())
        return None

    def contents() -> Contents:
        return read_contents(place.root / package_folder(place.pipeline))

    package, version = step("package", contents), answer.model_version
    model: Model | None = step("model", lambda: find_model(place.tracking, place.pipeline, version, package))
    run: Run | None = step("run", lambda: find_run(place.tracking, place.pipeline, model, version, place.data))
    commit: Commit | None = step("commit", lambda: find_commit(place.root, _known(run)))
    data: Data | None = step("data", lambda: find_data(place.data, _known(run)))

    def windows() -> Windows:
        if package is None:
            raise NotHere(f"the windows are declared in the package: {missing['package']}")
        return find_windows(place.windows, package, place.data / "validated", answer)

    looked: Windows | None = step("windows", windows)
    missing.pop("package", None)
    return Trace(answer=answer, model=model, run=run, commit=commit, data=data, windows=looked, missing=missing)


def _known(run: Run | None) -> Run:
    if run is None:
        raise NotHere("only the run says that, and it is not here")
    return run


def _answer(stored: Stored) -> Answer:
    said = stored.payload
    outcome = stored.outcome
    return Answer(
        request_id=stored.request_id,
        time=stored.time,
        prediction=said.get("prediction"),
        score=stored.score,
        decision=stored.decision,
        rule=said.get("rule"),
        variant=stored.variant,
        model_version=stored.model_version,
        instance=said["instance"],
        features=said["features"],
        outcome=None if outcome is None else {"label": outcome.label, "at": outcome.at},
    )
