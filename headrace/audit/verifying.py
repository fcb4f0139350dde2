"""Every line is held against the one after it, and the last one against the head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.audit.records import (
    EMPTY,
    NOTHING,
    Head,
    follows,
    head_file,
    line_hash,
    read_head,
    read_lines,
    read_record,
)
from headrace.errors import IntegrityError
from headrace.locking import alone

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.audit.records import Record


@dataclass(frozen=True)
class Verified:
    """A log in which nothing was altered."""

    head: Head
    """To be noted where nobody who writes the log can write."""
    remarks: list[str] = field(default_factory=list)
    """What a killed process has left, or looks as if it had."""


def verify(file: Path, noted: Head | None = None) -> Verified:
    """Find out whether a log is as it was written.

    Args:
        file: The log.
        noted: Its head at an earlier time, noted elsewhere: against it even a log that was written anew is found.

    Raises:
        IntegrityError: A line was changed, removed, added or moved; it says which one. Or there is no log at all.
    """
    if not file.exists() and not head_file(file).exists():
        raise IntegrityError(f"{file}: no such file; nothing was done yet, or it was removed with its head")
    with alone(file):
        lines, torn = read_lines(file)
        head = _head(file, len(lines))
    records = [read_record(line) for line in lines]
    hashes = [line_hash(line) for line in lines]
    remarks = []
    if records and follows(records[-1], head):
        remarks.append(
            f"{file}: line {len(lines)}: the head does not name it yet: its writer was killed, or added by hand"
        )
        head = Head(head.sequence + 1, hashes[-1])
    _check_order(file, records)
    _check_end(file, len(lines), head)
    _check_chain(file, records, hashes, head)
    if torn:
        remarks.append(f"{file}: line {len(lines) + 1}: has no end: its writer was killed; the next one removes it")
    if noted is not None and (noted.sequence > len(lines) or [NOTHING, *hashes][noted.sequence] != noted.sha256):
        raise IntegrityError(
            f"{file}: line {noted.sequence}: is not the one whose SHA-256 was noted as {noted.sha256}; "
            "the log was written anew from there, or from an earlier line"
        )
    return Verified(head, remarks)


def _head(file: Path, lines: int) -> Head:
    """Return the head; none is there as long as no line was written to its end."""
    head = read_head(file)
    if head is not None:
        return head
    if head_file(file).exists() or lines > 1:
        raise IntegrityError(f"{head_file(file)}: is missing or no head, though {file} has {lines} lines")
    return EMPTY


def _check_order(file: Path, records: list[Record | None]) -> None:
    for number, record in enumerate(records, start=1):
        if record is None:
            raise IntegrityError(f"{file}: line {number}: is no line of an audit log")
        if record.sequence != number:
            raise IntegrityError(
                f"{file}: line {number}: has the sequence number {record.sequence}; "
                "lines before it were removed, added or moved"
            )


def _check_end(file: Path, lines: int, head: Head) -> None:
    if lines < head.sequence:
        raise IntegrityError(
            f"{file}: line {lines + 1}: is missing, as are all up to line {head.sequence}, which the head names"
        )
    if lines > head.sequence:
        raise IntegrityError(f"{file}: line {head.sequence + 1}: was added: the head names line {head.sequence}")


def _check_chain(file: Path, records: list[Record | None], hashes: list[str], head: Head) -> None:
    """Compare each line with what the one after it says of it, the last one first: what that says was not changed."""
    said = [*(record.before for record in records if record is not None), head.sha256]
    for number in range(len(hashes), 0, -1):
        if hashes[number - 1] != said[number]:
            after = f"line {number + 1}" if number < len(hashes) else "the head"
            raise IntegrityError(
                f"{file}: line {number}: was changed: its SHA-256 is {hashes[number - 1]}, {after} says {said[number]}"
            )
    if said[0] != NOTHING:
        raise IntegrityError(f"{file}: line 1: follows another line, which is missing")
