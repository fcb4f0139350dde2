"""`headrace token` and `headrace audit`: what an administrator does, and what of it is written down."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headrace.access import Gate, Refused, TokenGate
from headrace.audit import audit_file, head_file

ROOT = Path(__file__).resolve().parents[2]


def headrace(state: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command; return its code and what it said."""
    command = [sys.executable, "-m", "headrace", *arguments]
    environment = {**os.environ, "HEADRACE_STATE": str(state)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def is_admitted(gate: Gate, text: str) -> bool:
    """Return whether a token may ask for a prediction."""
    try:
        gate.check("predict", f"Bearer {text}".encode(), time.time())
    except Refused:
        return False
    return True


def test_a_token_from_its_creation_to_its_end(tmp_path: Path) -> None:
    """Its text is shown once; all that was done is in the audit log, which ends with what was done last."""
    scopes = ("--scope", "predict", "--scope", "outcomes")
    code, out, _ = headrace(
        tmp_path, "token", "create", "fraud", "[red]shop", *scopes, "--rate", "50", "--expires", "90d"
    )
    assert code == 0
    said, text = out.splitlines()
    token_id = text.split("_")[1]
    assert f"{token_id} for [red]shop: outcomes, predict; expires " in said
    gate = TokenGate(tmp_path / "tokens.json", 1000.0, 1, 1000)
    assert is_admitted(gate, text)
    code, out, _ = headrace(tmp_path, "token", "list", "fraud")
    assert code == 0
    assert text not in out
    assert out.splitlines()[1].split()[:5] == [token_id, "[red]shop", "outcomes,", "predict", "50"]
    assert headrace(tmp_path, "token", "revoke", "fraud", token_id)[:2] == (
        0,
        f"token fraud: {token_id} of [red]shop is revoked\n",
    )
    assert not is_admitted(gate, text)
    code, out, _ = headrace(tmp_path, "audit", "show", "fraud")
    assert code == 0
    assert [line.split("  ")[3] for line in out.splitlines()] == ["token.create", "token.revoke"]
    assert text.split("_", 2)[2] not in out
    assert headrace(tmp_path, "audit", "show", "fraud", "--last", "1")[1] == out.splitlines(keepends=True)[1]


def test_an_altered_audit_log_is_found(tmp_path: Path) -> None:
    """By itself, and where it was written anew by the head that was noted."""
    arguments = ("token", "create", "fraud", "shop", "--scope", "predict")
    headrace(tmp_path, *arguments)
    code, out, _ = headrace(tmp_path, "audit", "verify", "fraud")
    assert code == 0
    assert "1 lines, none of them altered; head 1:" in out
    head = out.split("head ")[1].strip()
    assert headrace(tmp_path, "audit", "verify", "fraud", "--head", head)[0] == 0
    file = audit_file(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"shop", b"shed"))
    code, out, errors = headrace(tmp_path, "audit", "verify", "fraud")
    assert (code, out) == (1, "")
    assert "audit.jsonl: line 1: was changed" in errors
    file.unlink()
    head_file(file).unlink()
    assert "no such file" in headrace(tmp_path, "audit", "verify", "fraud")[2]
    headrace(tmp_path, *arguments)
    assert headrace(tmp_path, "audit", "verify", "fraud")[0] == 0
    assert "is not the one whose SHA-256 was noted" in headrace(tmp_path, "audit", "verify", "fraud", "--head", head)[2]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("token", "create", "fraud", "a", "--scope", "predct"), "--scope: 'predct' is none; did you mean predict?"),
        (("token", "create", "fraud", "a", "--scope", "predict", "--expires", "soon"), "'soon' is no length of time"),
        (("token", "create", "fraud", "a", "--scope", "predict", "--rate", "-1"), "is -1.0; give a number above 0"),
        (("token", "revoke", "fraud", "0a0b0c0d"), "no token has the id '0a0b0c0d'; known are: none"),
        (("audit", "verify", "fraud", "--head", "3"), "write <lines>:<SHA-256>"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    """Without a traceback; nothing was done, and nothing is written down."""
    code, out, errors = headrace(tmp_path, *arguments)
    assert (code, out) == (1, "")
    assert errors.startswith("error: ")
    assert line in errors
    assert errors.count("\n") == 1
    assert not audit_file(tmp_path).exists()
