"""What was counted, held against the declared limits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from headrace.validation.rules import MISSING
from headrace.validation.sorting import UNDATED
from headrace.validation.summary import share_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.rows import Schema
    from headrace.validation.counting import Counts, PartCounts

WHOLE_COLUMN_ROWS = 20
"""From so many rows on, a column without one right value is taken for a broken source, and not for bad rows."""
RECENT_DAYS = 7
"""Days whose shift may stop the stage: the newest ones. Older days were judged when they were new."""

PARTS_SHOWN = 3

Shifts = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Passed:
    """A limit that is passed."""

    limit: str
    """Which one: the same in every part."""
    part: str
    found: str
    """What was found and what is allowed."""


def passed_limits(counts: Counts, schema: Schema, shifts: Shifts) -> list[Passed]:
    """Return each limit that is passed, in each part: which column, what was found, what is allowed.

    Args:
        counts: what was found.
        schema: what is declared.
        shifts: each day's score by column; see `headrace.validation.shift`.
    """
    passed = [*_rejected(counts, schema), *_shifts(schema, shifts)]
    for name, part in counts.parts.items():
        found = [*_volume(name, part, schema), *_columns(part, schema), *_null_shares(part, schema)]
        passed += [Passed(limit, name, problem) for limit, problem in found]
    return passed


def lines_of(passed: list[Passed]) -> list[str]:
    """Return a line for each, or for the first parts where a limit is passed in many."""
    lines = []
    for _, group in groupby(sorted(passed, key=_limit), key=_limit):
        parts = list(group)
        lines += [f"{each.part}: {each.found}" for each in parts[:PARTS_SHOWN]]
        if len(parts) > PARTS_SHOWN:
            lines.append(f"and {len(parts) - PARTS_SHOWN} more parts: {parts[0].limit}")
    return lines


def _limit(passed: Passed) -> str:
    return passed.limit


def _volume(name: str, part: PartCounts, schema: Schema) -> Iterator[tuple[str, str]]:
    limits = schema.limits
    if part.rows < limits.minimum_rows and name != UNDATED:
        yield "limits.minimum_rows", f"{part.rows:,} rows; limits.minimum_rows is {limits.minimum_rows:,}"
    if limits.maximum_rows is not None and part.rows > limits.maximum_rows:
        yield "limits.maximum_rows", f"{part.rows:,} rows; limits.maximum_rows is {limits.maximum_rows:,}"


def _columns(part: PartCounts, schema: Schema) -> Iterator[tuple[str, str]]:
    if part.rows < WHOLE_COLUMN_ROWS:
        return
    for name, column in schema.columns.items():
        if part.missing[name] == part.rows and not column.nullable:
            found = f"column {name!r} is empty in all {part.rows:,} rows; one that may be empty says `nullable: true`"
            yield f"column {name!r} is empty", found
        elif part.uncast[name] and part.uncast[name] + part.missing[name] == part.rows:
            found = f"column {name!r} has {part.uncast[name]:,} values and none is a {column.type}"
            yield (
                f"column {name!r} is no {column.type}",
                f"{found}: has it another type now, or another column's values?",
            )


def _null_shares(part: PartCounts, schema: Schema) -> Iterator[tuple[str, str]]:
    for name, allowed in schema.limits.null_share.items():
        share = part.missing[name] / part.rows if part.rows else 0.0
        if share > allowed:
            limit = f"limits.null_share.{name}"
            found = f"column {name!r} is {MISSING} in {share_text(share)} of {part.rows:,} rows"
            yield limit, f"{found}; {limit} is {share_text(allowed)}"


def _shifts(schema: Schema, shifts: Shifts) -> Iterator[Passed]:
    allowed = schema.limits.mean_shift
    if allowed is None:
        return
    for column, scores in shifts.items():
        for day in list(scores)[-RECENT_DAYS:]:
            if abs(scores[day]) > allowed:
                distance = (
                    f"{abs(scores[day]):.1f} robust standard deviations {'above' if scores[day] > 0 else 'below'}"
                )
                found = f"column {column!r} has a mean {distance} earlier days'; limits.mean_shift is {allowed:g}"
                yield Passed(f"limits.mean_shift of column {column!r}", day, found)


def _rejected(counts: Counts, schema: Schema) -> Iterator[Passed]:
    allowed = schema.limits.rejected_share
    share = counts.rejected / counts.rows if counts.rows else 0.0
    if share > allowed:
        often = ", ".join(f"{rule} ({rows:,})" for rule, rows in counts.rules.most_common(3) if rows)
        limit = f"limits.rejected_share is {share_text(allowed)}"
        found = f"{counts.rejected:,} of {counts.rows:,} rows are rejected, {share_text(share)}"
        yield Passed("limits.rejected_share", "all parts", f"{found}; {limit}; {often}")
