"""The days of data of a run, and their checksums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lineage.steps import Data, Day, NotHere
from headrace.storage import WHOLE, digest, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.lineage.steps import Period, Run

INGEST = "headrace.ingest"


def find_data(folder: Path, run: Run) -> Data:
    """Return what was ingested for a run.

    Args:
        folder: The pipeline's data folder.
        run: The run, which has the digest of `ingest.json`.

    Raises:
        NotHere: The file is not here, or another one is.
        DataError: It is no JSON.
    """
    file, expected = folder / "ingest.json", run.tags.get(INGEST)
    if expected is None:
        raise NotHere(f"run {run.run_id} has no tag {INGEST}")
    if not file.exists():
        raise NotHere(f"{file}: no such file; the run was made with the one of SHA-256 {expected}")
    found = digest(file)
    if found != expected:
        raise NotHere(
            f"{file}: its SHA-256 is {found}, the run was made with {expected}; check its commit out and `dvc checkout`"
        )
    days = [
        Day(day=day, rows=part["rows"], sha256=part["sha256"], trained=_is_trained(day, run.trained))
        for day, part in sorted(read_json(file)["parts"].items())
    ]
    return Data(sha256=expected, days=days)


def _is_trained(day: str, period: Period | None) -> bool:
    """Say whether rows of a day were trained on; the texts of days are ordered as days are."""
    if period is None:
        return False
    if day == WHOLE or period.since is None or period.until is None:
        return True
    return period.since[:10] <= day and f"{day}T00:00:00" < period.until
