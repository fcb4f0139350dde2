"""The installed Headrace as a wheel: what a project's service runs with, and what another machine installs."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING

from headrace.project.stock import CODE, STOCK, stock_files
from headrace.storage import write_beside

if TYPE_CHECKING:
    from pathlib import Path

WHEELS = "wheels"
PACKAGES = ("headrace", "stages")
METADATA = ("METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE")


def write_wheel(folder: Path) -> Path | None:
    """Write the wheel to `wheels/` of a project, in the place of one of another version.

    Equal code is an equal wheel, which stays: other machines compress to other bytes.

    Returns:
        The wheel; None where it was there.
    """
    installed = distribution("headrace")
    wheel = folder / WHEELS / f"headrace-{installed.version}-py3-none-any.whl"
    about = f"headrace-{installed.version}.dist-info"
    files = _code() | {f"{about}/{name}": (installed.read_text(name) or "").encode() for name in METADATA}
    record = f"{about}/RECORD"
    files[record] = _record(files, record)
    if _content(wheel, record) == files[record]:
        return None
    with write_beside(wheel) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    for other in wheel.parent.glob("headrace-*.whl"):
        if other != wheel:
            other.unlink()
    return wheel


def _code() -> dict[str, bytes]:
    """Return the files of our packages by their names in a wheel, with what a new project starts with."""
    code = [file for package in PACKAGES for file in (CODE / package).rglob("*") if file.is_file()]
    named = {file.relative_to(CODE).as_posix(): file for file in code if not _left_out(file)}
    named |= {f"{STOCK.relative_to(CODE).as_posix()}/{name}": file for name, file in stock_files().items()}
    return {name: named[name].read_bytes() for name in sorted(named)}


def _left_out(file: Path) -> bool:
    return "__pycache__" in file.parts or file.suffix == ".pyc" or file.is_relative_to(STOCK)


def _record(files: dict[str, bytes], own: str) -> bytes:
    """Return the RECORD of a wheel: the digest and the size of each file."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.writerow([name, f"sha256={digest}", len(content)])
    lines.writerow([own, "", ""])
    return written.getvalue().encode()


def _content(archive: Path, name: str) -> bytes | None:
    """Return a file of an archive; None where one of them is missing or broken."""
    try:
        with zipfile.ZipFile(archive) as files:
            return files.read(name)
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
