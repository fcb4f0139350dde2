"""Validate: every raw row is either valid, in declared types, or rejected with its reasons."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headrace.declaration.types import NUMBERS, type_kind
from headrace.errors import ValidationError
from headrace.storage import WHOLE, write_beside, write_json
from headrace.validation.reading import inspect_parts
from headrace.validation.shift import mean_shifts
from headrace.validation.summary import Summary, as_json, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.declaration.rows import Schema
    from headrace.validation.counting import Counts
    from headrace.validation.limits import Shifts

FAILED = "failed"


def validate(raw: Path, validated: Path, rejected: Path, result: Path, schema: Schema) -> Summary:
    """Sort the rows of the folder `raw` into `validated` and `rejected`, and write what was counted to `result`.

    The three are replaced together, or none of them: past a declared limit, what stood there stands, and the rejects
    and counts of the rows that passed it are in a folder `failed` beside `rejected`.

    Args:
        raw: parts as ingested; texts where the source has no types.
        validated: gets the same parts, valid rows alone, in declared types.
        rejected: gets the parts that have rejected rows: `row` (its number in the raw part, from 1), `column`, `value`
            (the raw one, as text), `reason`.
        result: the JSON file that gets the counts.
        schema: what a valid row is.

    Returns:
        What a person wants to know at once.

    Raises:
        DataError: a declared column is missing, or of a type that cannot become the declared one.
        IntegrityError: a raw part is not whole.
        ValidationError: limits are passed; the message has a line for each.
    """
    from headrace.validation.duplicates import reject_duplicates
    from headrace.validation.limits import lines_of, passed_limits
    from headrace.validation.sorting import sort_rows

    parts = inspect_parts(raw, schema)
    failed = rejected.with_name(FAILED)
    # They take their places in reverse order: the counts last, when the rows are there.
    with write_beside(result) as counted, write_beside(rejected) as bad, write_beside(validated) as good:
        counts = sort_rows(parts, schema, good, bad)
        reject_duplicates(counts, schema, good, bad)
        shifts = find_shifts(counts, schema)
        content = as_json(counts, parts, schema, shifts)
        passed = passed_limits(counts, schema, shifts)
        if passed:
            _keep_failed(failed, bad, content | {"passed_limits": [asdict(each) for each in passed]})
            head = "limits are passed: what stood before stands, and the rejected rows are in"
            raise ValidationError("\n".join([f"{head} {failed}", *lines_of(passed)]))
        write_json(counted, content)
    shutil.rmtree(failed, ignore_errors=True)
    return summarise(counts, parts)


def find_shifts(counts: Counts, schema: Schema) -> Shifts:
    """Return each day's score by numeric column, where there are enough earlier days; see `headrace.validation.shift`.

    The key and unique columns are left out: what counts up has no history to keep to.
    """
    days = {name: part for name, part in counts.parts.items() if part.valid and name != WHOLE}
    shifts = {}
    for name, column in schema.columns.items():
        if type_kind(column.type) in NUMBERS and name != schema.key and not column.unique:
            scores = mean_shifts([part.valid[name].moments for part in days.values()])
            shifts[name] = {day: score for day, score in zip(days, scores, strict=True) if score is not None}
    return shifts


def _keep_failed(failed: Path, rejected: Path, content: dict[str, Any]) -> None:
    with write_beside(failed) as beside:
        shutil.move(rejected, beside)
        write_json(beside / "validation.json", content)
