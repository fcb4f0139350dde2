"""A declared split, held against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.declaration.durations import microseconds
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.modelling import RowSplit, Split, TimeSplit


def check_split(split: Split) -> list[tuple[str, str]]:
    """Return what is wrong, as the key within `split` and a message that says what would be right."""
    problems = []
    if (split.time is None) == (split.rows is None):
        found = "neither" if split.time is None else "both"
        problems.append(("time", f"exactly one of split.time and split.rows has to be given; found {found}"))
    if split.time is not None:
        problems += _check_time(split.time)
    if split.rows is not None:
        problems += _check_rows(split.rows)
    return problems


def _check_time(split: TimeSplit) -> Iterator[tuple[str, str]]:
    lengths = {"test": split.test, "validation": split.validation, "train": split.train, "known_for": split.known_for}
    for name, length in lengths.items():
        if length is not None:
            yield from _check_length(f"time.{name}", length)
    if split.folds < 1:
        yield "time.folds", f"{split.folds}: at least 1 is needed to choose parameters and the threshold on"
    if split.known_for is not None and split.exclude_known is None:
        yield "time.known_for", "is only read with exclude_known; add that or leave this out"


def _check_length(key: str, length: str) -> Iterator[tuple[str, str]]:
    try:
        if microseconds(length) <= 0:
            yield key, f"'{length}' has to be longer than nothing, such as 7d"
    except ConfigError as error:
        yield key, str(error)


def _check_rows(split: RowSplit) -> Iterator[tuple[str, str]]:
    if not 0 < split.test_share < 1:
        yield "rows.test_share", f"{split.test_share} has to be between 0 and 1, such as 0.2"
    if split.folds < 2:
        yield "rows.folds", f"{split.folds}: at least 2 are needed, so that each is judged by a fit on the others"
