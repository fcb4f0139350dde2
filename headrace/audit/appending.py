"""A line is added: to the disk, whole, and after the one that the head names.

A process may be killed in the midst of a line, or after it and before the head. Neither was acknowledged; the next
line's writer removes the torn one, and says so in a line of its own, or takes the whole one as the log's.
"""

from __future__ import annotations

import datetime as dt
import getpass
import os
import platform
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.audit.records import (
    EMPTY,
    Head,
    Record,
    audit_file,
    follows,
    head_file,
    line_hash,
    read_head,
    read_lines,
    read_record,
)
from headrace.errors import HeadraceError
from headrace.locking import alone
from headrace.storage import write_beside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TORN, NO_HEAD = "audit.torn_line_removed", "audit.head_missing"
"""What is said where an earlier writer was killed, and where somebody removed the head."""


def record(state: Path, action: str, details: Mapping[str, Any]) -> Record:
    """Add what whoever runs this process has done, or is about to do.

    Args:
        state: The folder of what this machine keeps.
        action: Such as `log.erase`.
        details: What JSON takes, and no personal data: nothing is erased here.
    """
    return append(audit_file(state), actor(), action, details)


def append(file: Path, who: str, action: str, details: Mapping[str, Any]) -> Record:
    """Add a line, which is on the disk when this returns.

    A log that somebody altered takes it, too, and shows for ever that it was: the line follows the head's, not the
    file's last one.

    Args:
        file: The log; it is made where there is none.
        who: Who acts.
        action: Such as `token.revoke`.
        details: What JSON takes.

    Raises:
        HeadraceError: The line cannot be written.
    """
    try:
        with alone(file):
            head = _make_ready(file, who)
            added = _following(head, who, action, details)
            _write(file, added)
    except OSError as error:
        raise HeadraceError(f"{file}: the audit log does not take {action}: {error}") from error
    return added


def actor() -> str:
    """Return the user that runs this process, by the name that he logged in with, and the machine."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid {os.getuid()}"
    return f"{user}@{platform.node()}"


def _make_ready(file: Path, who: str) -> Head:
    """Put in order what killed processes have left; return what the next line follows."""
    lines, torn = read_lines(file)
    head = read_head(file)
    if head is None and len(lines) > 1:
        _end_line(file, torn)
        last = Head(len(lines), line_hash(lines[-1]))
        return _write(file, _following(last, who, NO_HEAD, {"lines": len(lines)}))
    head = head or EMPTY
    if lines and follows(read_record(lines[-1]), head):
        head = Head(head.sequence + 1, line_hash(lines[-1]))
    if not torn or len(lines) != head.sequence:
        _end_line(file, torn)  # no killed process leaves that: it stays to be seen
        return head
    os.truncate(file, file.stat().st_size - len(torn))
    return _write(file, _following(head, who, TORN, {"bytes": len(torn)}))


def _following(head: Head, who: str, action: str, details: Mapping[str, Any]) -> Record:
    return Record(
        sequence=head.sequence + 1,
        time=dt.datetime.now(dt.UTC),
        actor=who,
        action=action,
        details=dict(details),
        before=head.sha256,
    )


def _end_line(file: Path, torn: bytes) -> None:
    if torn:
        with file.open("ab") as opened:
            opened.write(b"\n")


def _write(file: Path, added: Record) -> Head:
    """Write a line, and then the head; return it."""
    line = msgspec.json.encode(added)
    head = Head(added.sequence, line_hash(line))
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as opened:
        opened.write(line + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    with write_beside(head_file(file)) as beside, beside.open("wb") as opened:
        opened.write(msgspec.json.encode(head) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # where power is lost, the head is not older than the line before
    finally:
        os.close(folder)
    return head
