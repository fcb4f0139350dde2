"""A table kept as one Parquet file a day, or as one file where rows have no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAY_FORMAT = "%Y-%m-%d"
WHOLE = "all"


def part_path(folder: Path, part: str) -> Path:
    """Return the file of a part: of a day such as `2018-04-01`, or of `WHOLE`."""
    return folder / f"{part}.parquet"


def list_parts(folder: Path) -> dict[str, Path]:
    """Return the parts of a table in order of their days, by name."""
    return {file.stem: file for file in sorted(folder.glob("*.parquet"))}
