"""An audit log shows what was done to it, whatever was done; and loses nothing that was acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.audit import Head, append, audit_file, head_file, read_lines, record, verify
from headrace.audit.records import line_hash, read_record
from headrace.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 4
APPENDING = """
import sys
from pathlib import Path
from headrace.audit import append
for number in range(int(sys.argv[3])):
    print(append(Path(sys.argv[1]), sys.argv[2], "token.create", {"number": number}).sequence, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a log will be."""
    return audit_file(tmp_path / "state")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Return the bytes of a log and of its head."""
    file = audit_file(tmp_path_factory.mktemp("written"))
    for number in range(LINES):
        append(file, "ada@desk", "token.create", {"id": f"{number:08x}", "scopes": ["predict"]})
    return file.read_bytes(), head_file(file).read_bytes()


def put(file: Path, content: bytes, head: bytes) -> None:
    """Write a log as somebody left it."""
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    head_file(file).write_bytes(head)


def appending(file: Path, name: str, number: int) -> subprocess.Popen[str]:
    """Start a process that adds lines, and prints the number of each that was taken."""
    command = [sys.executable, "-c", APPENDING, str(file), name, str(number)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "."}, stdout=subprocess.PIPE, text=True)


def test_a_line_says_who_did_what_when(file: Path) -> None:
    """And is read by its owner alone."""
    added = record(file.parent, "token.revoke", {"id": "0a0b0c0d", "name": "ключ"})
    assert verify(file) == verify(file, noted=Head(1, line_hash(read_lines(file)[0][0])))
    assert read_record(read_lines(file)[0][0]) == added
    assert (added.sequence, added.action, added.details["name"]) == (1, "token.revoke", "ключ")
    assert "@" in added.actor
    assert added.time.utcoffset() is not None
    assert file.stat().st_mode & 0o777 == 0o600


def test_several_processes_add_to_one_chain(file: Path) -> None:
    """Each line is there once, in one order."""
    running = [appending(file, name, 40) for name in ("a", "b", "c")]
    taken = [int(line) for process in running for line in process.communicate(timeout=60)[0].split()]
    assert sorted(taken) == list(range(1, 121))
    assert verify(file).head.sequence == 120
    assert verify(file).remarks == []


def test_a_changed_byte_is_found_at_any_position(file: Path, written: tuple[bytes, bytes]) -> None:
    """In the line that is named; the end of a line belongs to it."""
    content, head = written
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << random.Random(place).randrange(8)
        put(file, bytes(changed), head)
        line = content[:place].count(b"\n") + 1
        with pytest.raises(
            IntegrityError, match=rf"line ({line}|{line + 1}): " if content[place] == 10 else f"line {line}: "
        ):
            verify(file)


def altered(data: st.DataObject, content: bytes) -> bytes:
    """Return a log after somebody worked on it."""
    lines = content.splitlines(keepends=True)
    place, other = data.draw(st.integers(0, LINES - 1)), data.draw(st.integers(0, LINES - 1))
    begin = data.draw(st.integers(0, len(content)))
    match data.draw(st.sampled_from(["remove", "move", "repeat", "cut", "insert", "replace", "renumber"])):
        case "remove":
            del lines[place : place + data.draw(st.integers(1, LINES))]
        case "move":
            lines.insert(other, lines.pop(place))
        case "repeat":
            lines.insert(other, lines[place])
        case "cut":
            return content[:begin]
        case "insert":
            return content[:begin] + data.draw(st.binary(min_size=1)) + content[begin:]
        case "replace":
            return content[:begin] + data.draw(st.binary(min_size=1)) + content[begin + data.draw(st.integers(0, 99)) :]
        case "renumber":
            del lines[place]
            lines = [
                line.replace(f'"sequence":{n + 2},'.encode(), f'"sequence":{n + 1},'.encode())
                for n, line in enumerate(lines)
            ]
    return b"".join(lines)


def test_an_end_that_is_cut_is_found_and_given_back_by_the_next_line(file: Path, written: tuple[bytes, bytes]) -> None:
    """What was written is whole again then, to the byte."""
    content, head = written
    put(file, content[:-1], head)
    with pytest.raises(IntegrityError, match=f"line {LINES}: is missing"):
        verify(file)
    append(file, "ada@desk", "token.create", {})
    assert verify(file).remarks == []
    assert file.read_bytes().startswith(content)


@given(data=st.data())
def test_whatever_is_altered_is_found(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """And is still found after the service has gone on writing."""
    content, head = written
    file = audit_file(tmp_path_factory.mktemp("state"))
    changed = altered(data, content)
    put(file, changed, head)
    if changed == content:
        assert verify(file).remarks == []
    elif changed.startswith(content) and b"\n" not in changed[len(content) :]:  # as a killed process leaves it
        assert "has no end" in verify(file).remarks[0]
    else:
        for _ in range(1 if changed == content[:-1] else 2):  # an end alone is given back by the next line
            with pytest.raises(IntegrityError, match=r"line \d+: "):
                verify(file)
            append(file, "ada@desk", "token.create", {})


@settings(max_examples=30)
@given(st.integers(0, 2 * LINES), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_head_that_is_altered_is_found(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[bytes, bytes], number: int, digest: str
) -> None:
    """As is one that is removed."""
    file = audit_file(tmp_path_factory.mktemp("state"))
    for head in (f'{{"sequence":{number},"sha256":"{digest}"}}', "{}", ""):
        put(file, written[0], head.encode())
        with pytest.raises(IntegrityError):
            verify(file)
    head_file(file).unlink()
    with pytest.raises(IntegrityError, match="is missing or no head"):
        verify(file)
    append(file, "ada@desk", "token.create", {})
    assert [read_record(line).action for line in read_lines(file)[0]][-2:] == ["audit.head_missing", "token.create"]  # type: ignore[union-attr]


def test_a_log_that_was_written_anew_is_found_by_a_head_noted_elsewhere(file: Path) -> None:
    """Who can write both files can make both whole: what the log alone protects from ends there."""
    for number in range(LINES):
        append(file, "eve@desk", "log.export", {"number": number})
    noted = verify(file).head
    file.unlink()
    head_file(file).unlink()
    with pytest.raises(IntegrityError, match="no such file; nothing was done yet, or it was removed"):
        verify(file)
    for number in range(LINES + 3):
        append(file, "eve@desk", "token.create", {"number": number})
    assert verify(file).head.sequence == LINES + 3
    with pytest.raises(IntegrityError, match=f"line {LINES}: is not the one whose SHA-256 was noted"):
        verify(file, noted)


def test_a_torn_line_is_removed_and_said_wherever_it_is_torn(file: Path, written: tuple[bytes, bytes]) -> None:
    """Its writer was killed before it came to its end, so nobody was told that it is there."""
    content, _ = written
    *lines, last = content.splitlines(keepends=True)
    before = b"".join(lines)
    head = f'{{"sequence":{LINES - 1},"sha256":"{line_hash(lines[-1][:-1])}"}}'.encode()
    for length in range(1, len(last), 5):
        put(file, before + last[:length], head)
        assert f"line {LINES}: has no end" in verify(file).remarks[0]
        added = append(file, "ada@desk", "token.revoke", {})
        assert (added.sequence, verify(file).remarks) == (LINES + 1, [])
        removed = read_record(read_lines(file)[0][LINES - 1])
        assert removed is not None
        assert (removed.action, removed.details) == ("audit.torn_line_removed", {"bytes": length})
    put(file, content, head)
    assert f"line {LINES}: the head does not name it yet" in verify(file).remarks[0]
    assert append(file, "ada@desk", "token.revoke", {}).sequence == LINES + 1
    assert verify(file).remarks == []


def killed(file: Path) -> Iterator[int]:
    """Yield the numbers of lines that were acknowledged by processes that are killed."""
    for seconds in (0.05, 0.11, 0.02, 0.07, 0.13):
        process = appending(file, "a", 100_000)
        assert process.stdout is not None
        yield int(process.stdout.readline())
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        yield from (int(line) for line in process.stdout.read().split("\n")[:-1])
        process.wait(10)


def test_what_was_acknowledged_survives_kill_9(file: Path) -> None:
    """The log is whole after each kill, or becomes so with the next line."""
    taken = list(killed(file))
    append(file, "a", "token.create", {})
    assert verify(file).remarks == []
    assert taken == sorted(set(taken))
    assert {read_record(read_lines(file)[0][number - 1]).action for number in taken} == {"token.create"}  # type: ignore[union-attr]
