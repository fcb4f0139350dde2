"""What a column of texts is: numbers, times, truth values, or texts after all; and how it writes them.

Looked at are its different values, the commonest first. What all of them are it is; a few that are not may be
placeholders for a missing value (`n/a`, `unknown`), or slips that will be rejected.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from headrace.sources.plain import Number

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?"})
"""What stands for a missing value, in lower case and without spaces around it."""
MOST_PLACEHOLDERS = 20
SLIPS = 0.01
"""The largest share of values that may be of another kind, and are then rejected."""
PLACEHOLDERS = 0.5
"""The largest share of rows that placeholders may stand in."""

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
CODE = re.compile(r"[+-]?0\d+|\d{19,}", re.ASCII)
"""Digits that are no number: `00123` would lose its zeros."""
UNITS = ("$", "€", "£", "¥", "%", "USD", "EUR", "GBP", "CHF", "US$")
ENGLISH = [(",", "."), ("", ","), (".", ","), (" ", ","), (" ", "."), ("\u00a0", ","), ("\u202f", ","), ("'", ".")]
CONTINENTAL = [(".", ","), ("", ","), (" ", ","), ("\u00a0", ","), ("\u202f", ","), ("'", "."), (",", "."), (" ", ".")]
ISO = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?| UTC)?)?", re.ASCII
)
DATES = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y",
    "%d %B %Y", "%B %d, %Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y", "%Y%m%d",
)  # fmt: skip
ZONED = tuple(
    f"{day}{between}{clock} {zone}"
    for day in ("%Y-%m-%d", "%Y/%m/%d")
    for between in " T"
    for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
    for zone in ("Z", "%z")
)
"""A space before the offset: all else of it is ISO 8601."""
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S", "T%H:%M")
DAY_AND_MONTH = {"%m/%d/%Y": "%d/%m/%Y", "%m/%d/%y": "%d/%m/%y", "%d-%m-%Y": "%m-%d-%Y"}
COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])")


class Counted(NamedTuple):
    """A value, and in how many of the rows looked at it stands."""

    value: str
    rows: int


@dataclass(frozen=True)
class Reading:
    """What a column of texts is taken for."""

    kind: str
    """`integer`, `float`, `boolean`, `date`, `timestamp`, `text` or `nothing`."""
    why: str = ""
    time: str | None = None
    """How times are written, where that is not ISO 8601."""
    number: Number | None = None
    placeholders: tuple[str, ...] = ()
    decimals: int = 0
    mixed: str = ""
    """What is to be said of a column that holds values of several kinds."""
    examples: tuple[str, ...] = field(default=(), compare=False)


def is_missing(value: str) -> bool:
    """Return whether a text stands for a missing value in any column."""
    return value.strip().casefold() in MISSING


def read_texts(values: list[Counted], *, continental: bool = False) -> Reading:
    """Return what a column is, by its commonest values.

    Args:
        values: Different values, the commonest first.
        continental: Whether a comma is rather a decimal mark than one between groups of digits.
    """
    present = [each for each in values if not is_missing(each.value)]
    if not present:
        return Reading("nothing", "no row has a value")
    if {each.value.strip().casefold() for each in present} <= {"true", "false"}:
        return Reading("boolean")
    spellings = {each.value.strip() for each in present}
    if len(spellings) > 2 and {each.casefold() for each in spellings} <= {"yes", "no", "y", "n"}:
        return Reading("boolean", f"written in {len(spellings)} ways: {', '.join(sorted(spellings))}")
    for read in (_number, _time):
        found = read(present, continental)
        if found is not None:
            return found
    return Reading("text", mixed=_mixture(present))


def looks_like_placeholder(value: str) -> bool:
    """Return whether a text among numbers or times is rather a word for `missing` than a slip."""
    return not any(character.isdigit() for character in value) and len(value) <= 20


def _number(values: list[Counted], continental: bool) -> Reading | None:  # noqa: FBT001  the readers are alike
    stripped = [each.value.strip() for each in values]
    if any(CODE.fullmatch(text) for text in stripped):
        return None
    kept = _keep(values, lambda text: PLAIN.fullmatch(text) is not None)
    if kept is not None:
        texts, others, slips = kept
        kind = "integer" if all(WHOLE.fullmatch(text) for text in texts) else "float"
        return Reading(kind, placeholders=others, decimals=_decimals(texts), mixed=slips)
    for unit in ("", *(unit for unit in UNITS if any(unit in text for text in stripped))):
        for thousands, decimal in CONTINENTAL if continental else ENGLISH:
            form = Number(thousands=thousands, decimal=decimal, unit=unit)
            shape = _shape(form)
            kept = _keep(values, lambda text, shape=shape: shape.fullmatch(text) is not None)
            if kept is not None:
                return _formed(form, *kept)
    return None


def _formed(form: Number, texts: list[str], others: tuple[str, ...], slips: str) -> Reading:
    plain = [text.replace(form.unit, "").strip() if form.unit else text for text in texts]
    used = any(form.thousands and form.thousands in text for text in plain)
    form = Number(thousands=form.thousands if used else "", decimal=form.decimal, unit=form.unit)
    plain = [text.replace(form.thousands, "") if used else text for text in plain]
    fractions = [text for text in plain if form.decimal in text]
    form = form if fractions or not used else Number(thousands=form.thousands, decimal=_other(form), unit=form.unit)
    decimals = _decimals([text.replace(form.decimal, ".") for text in plain])
    kind = "float" if fractions else "integer"
    return Reading(kind, f"written like {texts[0]}", number=form, placeholders=others, decimals=decimals, mixed=slips)


def _other(form: Number) -> str:
    return "," if form.thousands == "." else "."


def _shape(form: Number) -> re.Pattern[str]:
    mark, group, unit = re.escape(form.decimal), re.escape(form.thousands), re.escape(form.unit)
    whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)" if form.thousands else r"\d+"
    number = rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)"
    around = rf"(?:{unit}\s?)?" if form.unit else ""
    after = rf"(?:\s?{unit})?" if form.unit else ""
    return re.compile(rf"[+-]?{around}[+-]?{number}{after}", re.ASCII)


def _decimals(texts: Iterable[str]) -> int:
    return max((len(text.partition(".")[2]) for text in texts if "e" not in text.lower()), default=0)


def _time(values: list[Counted], continental: bool) -> Reading | None:  # noqa: ARG001, FBT001
    kept = _keep(values, lambda text: ISO.fullmatch(text) is not None)
    if kept is not None:
        texts, others, slips = kept
        kind = "timestamp" if any(":" in text for text in texts) else "date"
        return Reading(kind, placeholders=others, mixed=slips)
    for form in _forms(values):
        kept = _keep(values, lambda text, form=form: _fits(text, form))
        if kept is not None:
            texts, others, slips = kept
            kind = "timestamp" if ":" in form else "date"
            return Reading(kind, _said_of(form, texts), time=form, placeholders=others, mixed=slips)
    return None


def _forms(values: list[Counted]) -> list[str]:
    """Return the formats of some value, those of day, month and year first."""
    digits = next((each.value.strip() for each in values if any(c.isdigit() for c in each.value)), "")
    forms = [date + clock for date in DATES for clock in CLOCKS if date != "%Y%m%d" or COMPACT.match(digits)]
    forms += ZONED
    return [form for form in forms if any(_fits(each.value.strip(), form) for each in values[:5])]


def _fits(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007  only whether it can be read
    except ValueError:
        return False
    return True


def other_form(form: str) -> str | None:
    """Return the form with day and month the other way round; None where there is none."""
    date, separator, clock = form.partition(" ")
    swapped = DAY_AND_MONTH | {other: one for one, other in DAY_AND_MONTH.items()}
    return swapped[date] + separator + clock if date in swapped else None


def _said_of(form: str, texts: list[str]) -> str:
    other = other_form(form)
    if other and all(_fits(text, other) for text in texts):
        return f"written like {texts[0]}; no day is above 12, so that day and month may be the other way round"
    return f"written like {texts[0]}"


def _keep(values: list[Counted], fits: object) -> tuple[list[str], tuple[str, ...], str] | None:
    """Return the texts that fit, the placeholders, and what is said of slips; None where too many do not fit."""
    assert callable(fits)
    good = [each for each in values if fits(each.value.strip())]
    if not good:
        return None
    rest = [each for each in values if not fits(each.value.strip())]
    placeholders = [each for each in rest if looks_like_placeholder(each.value)]
    slips = [each for each in rest if not looks_like_placeholder(each.value)]
    rows = sum(each.rows for each in values)
    stray = sum(each.rows for each in slips)
    if len(placeholders) > MOST_PLACEHOLDERS or stray > SLIPS * rows:
        return None
    if sum(each.rows for each in placeholders) > PLACEHOLDERS * rows:
        return None
    said = f"some values are of another kind, such as {slips[0].value!r}: such rows are rejected" if slips else ""
    return [each.value.strip() for each in good], tuple(each.value for each in placeholders), said


def _mixture(values: list[Counted]) -> str:
    numbers = sum(each.rows for each in values if PLAIN.fullmatch(each.value.strip()))
    rows = sum(each.rows for each in values)
    if not 0.2 * rows <= numbers < rows:
        return ""
    other = next(each.value for each in values if not PLAIN.fullmatch(each.value.strip()))
    share = f"{100 * numbers / rows:.0f} % of the values are numbers"
    return f"{share}, others are texts such as {other[:30]!r}: taken as texts"
