"""What the log consists of: a line for each act, with the hash of the line before, and the head, which is kept apart.

The chain shows that a line was changed, removed, added or moved; the head shows it of the last lines, which no other
line follows. Nothing in it is secret: who may write both files can write both anew, from the first line on. Whoever has
to be sure of more notes the head somewhere else, where such a person cannot write, and has `headrace audit verify`
compare: what was there when the head was noted cannot be altered unseen from then on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = "0" * 64
"""What the first line says of the line before."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act."""

    sequence: int
    """1 for the first line."""
    time: dt.datetime
    """UTC."""
    actor: str
    action: str
    """Such as `token.revoke`."""
    details: dict[str, Any]
    before: str
    """The SHA-256 of the line before, without its end, in hexadecimal."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line's sequence number and SHA-256."""

    sequence: int
    sha256: str


EMPTY = Head(0, NOTHING)


def audit_file(state: Path) -> Path:
    """Return the log in a state folder."""
    return state / "audit.jsonl"


def head_file(file: Path) -> Path:
    """Return where the head of a log is kept."""
    return file.with_name(f"{file.stem}.head.json")


def line_hash(line: bytes) -> str:
    """Return the SHA-256 of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def read_record(line: bytes) -> Record | None:
    """Return what a line says; None where it is none of this log's."""
    try:
        return msgspec.json.decode(line, type=Record)
    except ValueError:  # msgspec's errors are ValueErrors
        return None


def read_lines(file: Path) -> tuple[list[bytes], bytes]:
    """Return the whole lines, and what comes after the end of the last one: nothing unless its writer was killed."""
    try:
        *lines, torn = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], b""
    return lines, torn


def read_head(file: Path) -> Head | None:
    """Return the head of a log; None where there is none, or another thing in its place."""
    try:
        return msgspec.json.decode(head_file(file).read_bytes(), type=Head)
    except (FileNotFoundError, ValueError):
        return None


def follows(record: Record | None, head: Head) -> bool:
    """Return whether a line was written as the next one after a head."""
    return record is not None and (record.sequence, record.before) == (head.sequence + 1, head.sha256)
