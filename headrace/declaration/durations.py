"""Lengths of time as declarations write them."""

from __future__ import annotations

import re

from headrace.errors import ConfigError

MICROSECONDS = {
    "us": 1,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
LENGTH = re.compile(r"(\d+)(us|s|m|h|d|w)")


def microseconds(length: str) -> int:
    """Return a length such as `30m` or `7d` in microseconds.

    Raises:
        ConfigError: It is no number followed by a unit.
    """
    found = LENGTH.fullmatch(length)
    if not found:
        units = ", ".join(MICROSECONDS)
        raise ConfigError(f"'{length}' is no length of time; write a number and one of {units}, such as 7d")
    return int(found[1]) * MICROSECONDS[found[2]]
