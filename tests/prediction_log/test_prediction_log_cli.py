"""`headrace log`: what those who hold the key do."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import decimal
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from answers import KEYS, NEW, NOW, OLD, answer, append

from headrace.audit import audit_file, read_lines, read_record, verify
from headrace.prediction_log import PredictionLog, open_store

ROOT = Path(__file__).resolve().parents[2]


def said(key: str, secret: bytes) -> str:
    """Return a key as the environment says it."""
    return f"{key}:{base64.b64encode(secret).decode()}"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine whose fraud pipeline has answered."""
    log = PredictionLog(f"sqlite:///{tmp_path}/predictions.db", KEYS, "fraud")
    append(log, *(answer(f"r{number}", subject=number % 2, time=NOW) for number in range(10)))
    log.close()
    keys = f"{said(NEW.id, NEW.secret)},{said(OLD.id, OLD.secret)}"
    return {**os.environ, "HEADRACE_STATE": str(tmp_path), "HEADRACE_LOG__KEYS": keys}


def headrace(environment: dict[str, str], *arguments: str, root: Path = ROOT) -> tuple[int, str, str]:
    """Run a command; return its code and what it said."""
    command = [sys.executable, "-m", "headrace", "log", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_show_export_rotate_erase_and_retain(environment: dict[str, str], tmp_path: Path) -> None:
    """Each says what it did, in words that can be kept."""
    code, out, _ = headrace(environment, "show", "fraud", "r1")
    assert code == 0
    assert '"request_id": "r1"' in out
    assert '"amount": "12.50"' in out
    file = tmp_path / "out.parquet"
    span = ("--since", "2026-11-23", "--until", "2026-11-24")
    code, out, _ = headrace(environment, "export", "fraud", *span, "--out", str(file))
    assert (code, pq.read_table(file).num_rows) == (0, 10)
    assert "10 answers" in out
    assert "10 answers encrypted anew, with key new" in headrace(environment, "rotate", "fraud")[1]
    new_alone = {**environment, "HEADRACE_LOG__KEYS": said(NEW.id, NEW.secret)}
    code, out, _ = headrace(new_alone, "erase", "fraud", "1")
    assert code == 0
    assert "5 answers and 0 outcomes erased" in out
    assert "a search for the subject finds 0" in out
    short = {**new_alone, "HEADRACE_LOG__RETENTION": "1us"}
    assert "older than 1us deleted" in headrace(short, "retain", "fraud")[1]
    verify(audit_file(tmp_path))
    written = [read_record(line) for line in read_lines(audit_file(tmp_path))[0]]
    acts = ["log.show", "log.export", "log.rotate", "log.erase_begun", "log.erase", "log.retain"]
    assert [each.action for each in written if each] == acts


def test_an_erasing_that_was_interrupted_is_on_record_and_made_good(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The next run finds no rows, cannot search for their payloads, and so writes the file anew; it says so."""
    file = tmp_path / "predictions.db"
    store = open_store(f"sqlite:///{file}", KEYS, "fraud")
    subject = store.subject_hash(1).hex()
    reader = sqlite3.connect(file)  # a backup, say: SQLite keeps the old pages for it
    reader.execute("BEGIN")
    payloads = [
        row[0] for row in reader.execute("SELECT payload FROM prediction_entry WHERE request_id in ('r1', 'r3')")
    ]
    running = subprocess.Popen(
        [sys.executable, "-m", "headrace", "log", "erase", "fraud", "1"], cwd=ROOT, env=environment, text=True
    )
    until = time.monotonic() + 60
    while store.find_many(["r1"]) != [None]:
        assert time.monotonic() < until
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    reader.rollback()
    reader.close()
    # What SQLite overwrites by itself may be on a page that it let go of: a copy of one is put there.
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE copied AS SELECT ? AS payload", [payloads[0]])
        connection.execute("DROP TABLE copied")
    code, out, _ = headrace(environment, "erase", "fraud", "1")
    assert code == 0
    assert "began to erase 5 answers of it, and did not come to its end" in out
    assert "0 answers and 0 outcomes erased" in out
    assert "which was written anew" in out
    content = b"".join(each.read_bytes() for each in tmp_path.glob("predictions.db*"))
    assert not any(payload[:28] in content for payload in payloads)
    written = [read_record(line) for line in read_lines(audit_file(tmp_path))[0]]
    acts = [(each.action, each.details["entries"]) for each in written if each and each.details["subject"] == subject]
    assert acts == [("log.erase_begun", 5), ("log.erase_begun", 0), ("log.erase", 0)]
    assert "did not come to its end" not in headrace(environment, "erase", "fraud", "1")[1]


@pytest.mark.parametrize(
    ("column", "subject", "text"),
    [
        ("tx_amount", decimal.Decimal("596.00"), "596"),
        ("tx_amount", decimal.Decimal("596.50"), "596.5"),
        ("tx_datetime", dt.datetime(2026, 11, 23, 5), "2026-11-23T05:00:00"),  # noqa: DTZ001  rows have no zone
        ("tx_datetime", dt.datetime(2026, 11, 23, 5), "2026-11-23 06:00:00+01:00"),  # noqa: DTZ001
    ],
)
def test_a_subject_is_found_by_what_its_column_takes(
    environment: dict[str, str], tmp_path: Path, column: str, subject: object, text: str
) -> None:
    """However a person writes it; answers that are nobody's are told of."""
    log = PredictionLog(f"sqlite:///{tmp_path}/predictions.db", KEYS, "fraud")
    append(log, answer("its", subject=subject), answer("nobody's", subject=None))
    log.close()
    code, out, errors = headrace({**environment, "HEADRACE_LOG__SUBJECT": column}, "erase", "fraud", text)
    assert (code, errors) == (0, "")
    assert "1 answers and 0 outcomes erased" in out
    assert "1 answers have no subject" in out


def test_nobody_is_erased_where_answers_are_nobodys(environment: dict[str, str], tmp_path: Path) -> None:
    """It is said that nothing can be found, and of how many answers."""
    root = tmp_path / "root"
    for folder in ("pipelines/fraud", "conf"):
        shutil.copytree(ROOT / folder, root / folder)
    file = root / "pipelines" / "fraud" / "serving.yaml"
    file.write_text(file.read_text().replace("subject: customer_id", "subject: null"))
    log = PredictionLog(f"sqlite:///{tmp_path}/predictions.db", KEYS, "fraud")
    append(log, answer("nobody's", subject=None))
    log.close()
    code, out, errors = headrace(environment, "erase", "fraud", "1", root=root)
    assert (code, out) == (1, "")
    assert "log.subject: is null" in errors
    assert "1 answers in the log have no subject" in errors


def test_what_is_wrong_is_said_in_a_line(environment: dict[str, str], tmp_path: Path) -> None:
    """Without a traceback, and with no secret in it."""
    mistakes = [
        (environment, ("erase", "fraud", "596.5"), "'596.5' is no integer, as column 'customer_id' is"),
        (
            {**environment, "HEADRACE_LOG__SUBJECT": "custmer_id"},
            ("erase", "fraud", "596"),
            "HEADRACE_LOG__SUBJECT: 'custmer_id' is no column of a request; did you mean customer_id?",
        ),
        (
            {**environment, "HEADRACE_LOG__SUBJECT": "tx_datetime"},
            ("erase", "fraud", "596"),
            "'596' is no timestamp, as column 'tx_datetime' is",
        ),
        (environment, ("show", "fraud", "nothing"), "request_id 'nothing': no answer has it"),
        ({**environment, "HEADRACE_LOG__KEYS": "old:secret"}, ("rotate", "fraud"), "key 1 (old): is not base64"),
        ({**environment, "HEADRACE_LOG__KEYS": said("other", b"x" * 32)}, ("rotate", "fraud"), "key 'old' is needed"),
        ({**environment, "HEADRACE_LOG__KEYS": ""}, ("rotate", "fraud"), "log.keys: no such file"),
        (
            environment,
            ("export", "fraud", "--since", "2026-11-24", "--until", "2026-11-23", "--out", str(tmp_path / "none")),
            "--until: 2026-11-23 00:00:00 is not after --since, 2026-11-24 00:00:00",
        ),
        ({**environment, "HEADRACE_LOG__KEYZ": "x"}, ("rotate", "fraud"), "did you mean HEADRACE_LOG__KEYS?"),
    ]
    for variables, arguments, line in mistakes:
        code, out, errors = headrace(variables, *arguments)
        assert (code, out) == (1, "")
        assert errors.startswith("error: ")
        assert line in errors
        assert "secret" not in errors
        assert errors.count("\n") == 1
    assert not (tmp_path / "log.keys").exists()
