"""Write beside, then rename: a reader finds the old file or the new one, never a half of either."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Yield a free path beside `path` to write a file or a folder to; it takes the place of `path` on success.

    Raises:
        HeadraceError: the disk is full. What stood at `path` stands there still, as after any other exception.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.writing")
    _remove(beside)
    _put_back(path)
    try:
        yield beside
        _replace(beside, path)
    except Exception as error:
        if _is_out_of_space(error):
            message = f"{path}: the disk is full; free some space and run again. Nothing was changed."
            raise HeadraceError(message) from error
        raise
    finally:
        _remove(beside)


def open_private(path: Path) -> BinaryIO:
    """Make a file that is its owner's alone, and open it to write."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys, so that equal content is equal bytes."""
    with write_beside(path) as beside:
        beside.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def link_or_copy(source: Path, target: Path) -> None:
    """Give an unchanged file a second name; copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _is_out_of_space(error: Exception) -> bool:
    # DuckDB, SQLite and Polars say it in their own classes of errors, as text.
    return getattr(error, "errno", None) in OUT_OF_SPACE or os.strerror(errno.ENOSPC) in str(error)


def _replace(new: Path, path: Path) -> None:
    # A folder cannot be renamed over another that has files: the old one steps aside first.
    if path.is_dir() and not path.is_symlink():
        aside = _aside(path)
        path.rename(aside)
        new.rename(path)
        _remove(aside)
    else:
        new.replace(path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


def _put_back(path: Path) -> None:
    """Undo what a process that was killed between two renames has left."""
    aside = _aside(path)
    if aside.exists() and not path.exists():
        aside.rename(path)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
