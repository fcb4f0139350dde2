"""A Bento as one file, in the format of `bentoml export`: equal Bentos are equal bytes."""

from __future__ import annotations

import lzma
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRESET = 0
"""Most of a Bento is compressed already: more effort takes seconds and gains a thousandth."""


def write_archive(folder: Path, path: Path) -> None:
    """Write a folder's files to an xz-compressed tar, by name; not their times nor their owners."""
    with lzma.open(path, "wb", preset=PRESET) as compressed, tarfile.open(fileobj=compressed, mode="w") as archive:
        archive.add(folder, arcname=".", filter=_anonymous)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry
