"""Which days have to be read, and which are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from headrace.errors import SourceError
from headrace.sources.manifest import UNDATED, Manifest, Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DAY = timedelta(days=1)
Range = tuple[date | None, date | None]
"""From a day, up to and without another; None leaves that end open."""
EMPTY_DAYS = 1_000


@dataclass(frozen=True)
class Plan:
    """What an ingest does."""

    kept: dict[str, Part]
    ranges: list[Range]


def plan_all(until: date | None) -> Plan:
    """Return the plan that reads every day before `until`."""
    return Plan({}, [(None, until)])


def plan_missing(manifest: Manifest, folder: Path, until: date) -> Plan:
    """Return the plan that reads the days before `until` that are not there, or whose files were changed."""
    known = sorted(set(manifest.parts) - {UNDATED})
    intact = manifest.intact(folder)
    if not known or set(manifest.parts) - set(intact) >= {UNDATED}:  # rows without a time belong to no day: read all
        return plan_all(until)
    kept = {name: part for name, part in intact.items() if name == UNDATED or name < until.isoformat()}
    wanted = days_between(date.fromisoformat(known[0]), until)
    if not wanted:
        raise SourceError(f"until: there are no rows before {until}; the first are of {known[0]}")
    return Plan(kept, _join(day for day in wanted if day.isoformat() not in kept))


def days_between(since: date, until: date) -> list[date]:
    """Return the days from `since` up to and without `until`."""
    return [since + DAY * number for number in range((until - since).days)]


def calendar(found: dict[str, int], since: date | None, until: date | None, where: str) -> list[str]:
    """Return the days of the parts to write: every day of the range, those without rows too.

    Args:
        found: Rows by day.
        since: The first day; the first one found where it is None.
        until: The day after the last; the one after the last one found where it is None.
        where: What names the source in a message.

    Raises:
        SourceError: hardly any day between the first and the last has rows: one of them is a slip.
    """
    days = sorted(found)
    first = since or date.fromisoformat(days[0])
    all_days = days_between(first, until or date.fromisoformat(days[-1]) + DAY)
    if since is None and len(all_days) > EMPTY_DAYS + 10 * len(days):
        raise SourceError(
            f"{where}: rows go from {days[0]} ({found[days[0]]}) to {days[-1]} ({found[days[-1]]}), "
            f"and only {len(days)} of the {len(all_days)} days up to `until` have any; correct the odd ones, or `until`"
        )
    return [day.isoformat() for day in all_days]


def _join(days: Iterable[date]) -> list[Range]:
    """Return the ranges that hold just `days`, which are in order."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and ranges[-1][1] == day:
            ranges[-1] = (ranges[-1][0], day + DAY)
        else:
            ranges.append((day, day + DAY))
    return list(ranges)
