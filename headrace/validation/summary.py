"""`validation.json`: what was counted, in plain numbers, the same bytes for the same rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.declaration.types import NUMBERS, type_kind
from headrace.validation.shift import LONGEST_HISTORY, SHORTEST_HISTORY

if TYPE_CHECKING:
    from headrace.declaration.rows import Schema
    from headrace.validation.counting import Counts
    from headrace.validation.limits import Shifts
    from headrace.validation.reading import RawPart

DIGITS = 9
"""Significant digits that are kept: further ones differ between processors."""


@dataclass(frozen=True)
class Summary:
    """What a person wants to know at once."""

    rows: int
    parts: int
    rejected: int
    surplus: tuple[str, ...]
    """Columns of the source that the schema does not declare, and that are left out."""

    def __str__(self) -> str:
        """Return one line."""
        share = share_text(self.rejected / self.rows if self.rows else 0.0)
        parts = f"{self.parts} part{'' if self.parts == 1 else 's'}"
        line = f"{self.rows:,} rows in {parts}, {self.rejected:,} rejected ({share})"
        return line + (
            f"; left out, for schema.yaml does not declare: {', '.join(self.surplus)}" if self.surplus else ""
        )


def share_text(share: float) -> str:
    """Return a share as a percentage that shows its first three digits."""
    return f"{100 * share:.3g} %"


def summarise(counts: Counts, parts: list[RawPart]) -> Summary:
    """Return the short summary."""
    surplus = dict.fromkeys(column for part in parts for column in part.surplus)
    return Summary(counts.rows, len(parts), counts.rejected, tuple(surplus))


def as_json(counts: Counts, parts: list[RawPart], schema: Schema, shifts: Shifts) -> dict[str, Any]:
    """Return the content of `validation.json`."""
    summary = summarise(counts, parts)
    return {
        "rows": summary.rows,
        "rejected": summary.rejected,
        "rejected_share": _plain(summary.rejected / summary.rows if summary.rows else 0.0),
        "left_out_columns": list(summary.surplus),
        "rules": dict(counts.rules),
        "columns": {name: _column(name, counts, schema) for name in schema.columns},
        "parts": {name: _part(name, counts, shifts) for name in counts.parts},
        "mean_shift": _mean_shift(schema, shifts),
    }


def _part(name: str, counts: Counts, shifts: Shifts) -> dict[str, Any]:
    part = counts.parts[name]
    return {
        "rows": part.rows,
        "rejected": len(part.rejected_rows),
        "missing": {column: rows for column, rows in part.missing.items() if rows},
        "means": {
            column: _plain(counted.moments.mean) for column, counted in part.valid.items() if counted.moments.count
        },
        "mean_shift": {column: _plain(scores[name]) for column, scores in shifts.items() if name in scores},
    }


def _column(name: str, counts: Counts, schema: Schema) -> dict[str, Any]:
    column, valid = schema.columns[name], counts.column(name)
    missing = sum(part.missing[name] for part in counts.parts.values())
    found: dict[str, Any] = {
        "type": column.type,
        "missing": missing,
        "missing_share": _plain(missing / counts.rows if counts.rows else 0.0),
    }
    if valid.lowest is not None:
        found |= {"minimum": _plain(valid.lowest), "maximum": _plain(valid.highest)}
    if type_kind(column.type) in NUMBERS and valid.moments.count:
        found["mean"] = _plain(valid.moments.mean)
    if valid.frequencies:
        found["values"] = dict(valid.frequencies)
    return found


def _mean_shift(schema: Schema, shifts: Shifts) -> dict[str, Any]:
    if schema.timestamp is None:
        return {"checked": False, "reason": "rows have no time, and so no history"}
    scored = [(abs(score), column, day) for column, scores in shifts.items() for day, score in scores.items()]
    if not scored:
        return {"checked": False, "reason": f"fewer than {SHORTEST_HISTORY} earlier days"}
    score, column, day = max(scored)
    return {
        "checked": True,
        "limit": schema.limits.mean_shift,
        "days_compared_with": [SHORTEST_HISTORY, LONGEST_HISTORY],
        "largest": {"column": column, "day": day, "score": _plain(shifts[column][day]), "distance": _plain(score)},
    }


def _plain(value: Any) -> Any:
    """Return a number of few digits, and a moment as text."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int):
        return value
    return float(f"{float(value):.{DIGITS}g}")
