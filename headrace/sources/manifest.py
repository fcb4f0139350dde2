"""`ingest.json`: which parts there are, and what they were read from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.storage import digest, part_path, write_json

if TYPE_CHECKING:
    from pathlib import Path

UNDATED = "undated"
"""The part of rows whose time cannot be read: `validate` rejects them."""
FORMAT = 1
"""Raised when parts are cut, sorted or written in another way: then all are written again."""


@dataclass(frozen=True)
class Part:
    """One file of rows."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The parts of `raw/`."""

    source: str
    """The digest of all that decides which rows there are."""
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows all parts have."""
        return sum(part.rows for part in self.parts.values())

    def write(self, path: Path) -> None:
        """Write the manifest."""
        write_json(path, asdict(self))

    def intact(self, folder: Path) -> dict[str, Part]:
        """Return the parts whose files are as they were written."""
        return {name: part for name, part in self.parts.items() if _is_intact(part_path(folder, name), part)}


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest of an earlier run, or None where there is none that can be understood."""
    try:
        content = json.loads(path.read_text())
        return Manifest(content["source"], {name: Part(**part) for name, part in content["parts"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def describe_parts(folder: Path, rows: dict[str, int]) -> dict[str, Part]:
    """Return what the manifest says of files that were just written, with these many rows."""
    return {name: Part(count, digest(part_path(folder, name))) for name, count in rows.items()}


def digest_of(declaration: Any) -> str:
    """Return a digest of plain values."""
    text = json.dumps({"format": FORMAT, "declaration": declaration}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_intact(file: Path, part: Part) -> bool:
    return file.is_file() and digest(file) == part.sha256
