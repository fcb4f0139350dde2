"""Digests of files and folders."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from headrace.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEND = "restore it with `dvc checkout`, or make it again with `dvc repro`"
"""What to do where a file is not the one that was written."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's sorted relative names and their digests, in hexadecimal."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(folder: Path, files: Mapping[str, str], listed_in: str) -> None:
    """Compare the files of a folder with the digests in one of them.

    Args:
        folder: The folder.
        files: The SHA-256 of each file, by its path within the folder.
        listed_in: The name of the file that has them, for messages.

    Raises:
        IntegrityError: A file is missing, or is not the one that was written.
    """
    for name, expected in files.items():
        file = folder / name
        if not file.is_file():
            raise IntegrityError(f"{file}: no such file, though {listed_in} lists it; {MEND}")
        found = digest(file)
        if found != expected:
            raise IntegrityError(f"{file}: its SHA-256 is {found}, {listed_in} says {expected}; {MEND}")
