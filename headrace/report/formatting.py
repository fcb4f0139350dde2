"""Numbers and days as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

# No line may break between a number and its unit.
NARROW = "\u202f"
DAY = "%Y-%m-%d"


def count(value: float) -> str:
    """Return a whole number with thousands apart: `1,309,754`."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """Return a share in per cent, with as many digits as tell it from 0 and 100: `0.34 %`, `68.8 %`."""
    distance = min(abs(value), abs(1 - value))
    digits = 1 if distance >= 0.02 or distance == 0 else 2 if distance >= 0.0005 else 4
    return f"{100 * value:.{digits}f}{NARROW}%"


def percent(value: float) -> str:
    """Return a share that a person declared as short as they would write it: `0.5 %`."""
    return f"{100 * value:.6g}{NARROW}%"


def metric(value: float | None) -> str:
    """Return a metric with three significant digits or three decimals, or a dash where it cannot be known."""
    if value is None:
        return "\u2013"
    if abs(value) >= 1000:
        return number(value)
    return f"{value:.4f}" if 0 < abs(value) < 0.1 else f"{value:.3f}"


def lower_first(text: str) -> str:
    """Return a name as it stands within a sentence: `ROC AUC` stays, `Log loss` becomes `log loss`."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def number(value: float) -> str:
    """Return a number with three significant digits, thousands apart where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def day(text: str) -> str:
    """Return `8 August 2018` for `2018-08-08`, with the time where it is not midnight."""
    moment = datetime.fromisoformat(text)
    clock = "" if moment.time() == datetime.min.time() else f", {moment:%H:%M}"
    return f"{moment.day} {moment:%B %Y}{clock}"


def period(since: str, until: str) -> str:
    """Return `8 to 14 August 2018` for what starts on the 8th and ends before the 15th."""
    first, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
    if end.time() != datetime.min.time() or first.time() != datetime.min.time():
        return f"{day(since)} to {day(until)}"
    last = end - timedelta(days=1)
    if first >= last:
        return day(since)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(last.isoformat())}"
    if first.year == last.year:
        return f"{first.day} {first:%B} to {day(last.isoformat())}"
    return f"{day(since)} to {day(last.isoformat())}"


def days_between(since: str, until: str) -> float:
    """Return the length of a period in days."""
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)) / timedelta(days=1)


def plain(value: Any) -> str:
    """Return a value of a config file as one would write it there."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(plain(each) for each in value) + "]"
    return str(value)
