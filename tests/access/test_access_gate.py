"""Who passes the gate, who does not, and why."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.access import Gate, Refused, Scope, TokenGate, create, open_gate, revoke
from headrace.access.bucket import Bucket
from headrace.declaration.serving import Access
from headrace.errors import ConfigError

NOW = time.time()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where tokens will be."""
    return tmp_path / "tokens.json"


def gate(file: Path, rate: float = 1000.0, workers: int = 1) -> TokenGate:
    """Return a worker's gate."""
    return TokenGate(file, rate, workers, largest_body=1000)


def bearer(text: str) -> bytes:
    """Return a token as a header says it."""
    return f"Bearer {text}".encode()


def reason(gate: Gate, scope: str, authorization: bytes | None, now: float = NOW) -> str | None:
    """Return why a request is refused, None where it is not."""
    try:
        gate.check(scope, authorization, now)
    except Refused as refused:
        return refused.reason
    return None


def test_a_token_opens_what_it_is_good_for(file: Path) -> None:
    """Its scopes and no others; each refusal is counted."""
    _, one = create(file, "a", [Scope.predict])
    _, other = create(file, "b", [Scope.outcomes, Scope.admin])
    guard = gate(file)
    found = {
        (name, scope): reason(guard, scope, bearer(text))
        for name, text in (("a", one), ("b", other))
        for scope in Scope
    }
    passed = {("a", "predict"), ("b", "outcomes"), ("b", "admin")}
    assert found == {(name, scope): None if (name, scope) in passed else "missing_scope" for name, scope in found}
    assert guard.refusals == Counter(missing_scope=3)


def test_the_scheme_is_written_in_any_case(file: Path) -> None:
    """RFC 9110, 11.1."""
    _, text = create(file, "a", [Scope.predict])
    for header in (f"bearer {text}", f"BEARER  {text} "):
        assert reason(gate(file), "predict", header.encode()) is None


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Basic YTpi", b"bear", b"\xff\xfe"])
def test_without_a_token_none_is_wrong(file: Path, header: bytes | None) -> None:
    """401 with the challenge alone; a word that is no token, with an error in it."""
    with pytest.raises(Refused) as caught:
        gate(file).check("predict", header, NOW)
    assert caught.value.status == 401
    expected = "no_token" if header != b"Bearer" else "wrong_token"
    assert caught.value.reason == expected
    assert dict(caught.value.headers)[b"www-authenticate"].startswith(b'Bearer realm="headrace"')


@given(data=st.data())
def test_no_other_text_is_the_token(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is changed, removed or added."""
    file = tmp_path_factory.mktemp("state") / "tokens.json"
    _, text = create(file, "a", [Scope.predict])
    place = data.draw(st.integers(0, 54))
    other = data.draw(st.characters(codec="utf-8"))
    kind = data.draw(st.sampled_from(["replaced", "cut", "removed", "added", "in front", "upper case"]))
    changed = {
        "replaced": text[:place] + other + text[place + 1 :],
        "cut": text[:place],
        "removed": text[:place] + text[place + 1 :],
        "added": text + other.strip(),
        "in front": other.strip() + text,
        "upper case": text.upper(),
    }[kind]
    if changed.strip() != text and changed:
        assert reason(gate(file), "predict", bearer(changed)) == "wrong_token"
    assert reason(gate(file), "predict", bearer(text)) is None


def test_a_token_is_good_until_it_expires(file: Path) -> None:
    """To the second."""
    token, text = create(file, "a", [Scope.predict], lifetime=dt.timedelta(hours=1))
    assert token.expires is not None
    end, guard = token.expires.timestamp(), gate(file)
    assert reason(guard, "predict", bearer(text), end - 0.001) is None
    assert reason(guard, "predict", bearer(text), end) == "expired_token"
    assert reason(guard, "predict", bearer(text[:-1] + "!"), end) == "wrong_token"


def test_a_running_gate_knows_what_changed_within_a_second(file: Path) -> None:
    """It was opened before there was a token."""
    guard = gate(file)
    token, text = create(file, "a", [Scope.predict])
    assert reason(guard, "predict", bearer(text), NOW) is None
    revoke(file, token.id)
    assert reason(guard, "predict", bearer(text), NOW + 1.0) == "wrong_token"
    _, text = create(file, "a", [Scope.predict])
    assert reason(guard, "predict", bearer(text), NOW - 1000.0) is None  # the clock was set back


def test_a_file_that_cannot_be_read_admits_nobody_until_it_can(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; a gate is not opened with it at all."""
    _, text = create(file, "a", [Scope.predict])
    guard, good = gate(file), file.read_bytes()
    file.write_text("{")
    times = [NOW + number for number in range(1, 5)]
    assert {reason(guard, "predict", bearer(text), now) for now in times} == {"unreadable_tokens"}
    assert len(caplog.records) == 1
    with pytest.raises(ConfigError):
        gate(file)
    file.write_bytes(good)
    assert reason(guard, "predict", bearer(text), NOW + 9) is None
    file.unlink()
    assert reason(guard, "predict", bearer(text), NOW + 10) == "wrong_token"


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("own", [None, 8.0])
def test_workers_let_pass_their_shares(file: Path, workers: int, own: float | None) -> None:
    """Ten seconds of a client that asks far too often: its rate, and what may come at once."""
    _, text = create(file, "a", [Scope.predict], requests_per_second=own)
    rate = own or 40.0
    gates = [gate(file, 40.0, workers) for _ in range(workers)]
    passed = sum(
        reason(guard, "predict", bearer(text), NOW + step / 200) is None for step in range(2000) for guard in gates
    )
    assert abs(passed - rate * 11) <= workers
    assert reason(gates[0], "predict", bearer(text), NOW + 10) in {None, "too_many_requests"}
    with pytest.raises(Refused) as caught:
        gates[0].check("predict", bearer(text), NOW + 10)
    assert (caught.value.status, dict(caught.value.headers)) == (429, {b"retry-after": b"1"})


def test_a_new_token_empties_nobodys_bucket(file: Path) -> None:
    """Who has asked what he may has done so whoever comes; a new limit counts at once."""
    token, text = create(file, "a", [Scope.predict], requests_per_second=1.0)
    guard = gate(file)
    assert reason(guard, "predict", bearer(text), NOW) is None
    create(file, "b", [Scope.predict])
    assert reason(guard, "predict", bearer(text), NOW + 0.6) == "too_many_requests"
    revoke(file, token.id)
    assert reason(guard, "predict", bearer(text), NOW + 1.2) == "wrong_token"


@given(st.floats(0.01, 1000.0), st.lists(st.floats(-5.0, 5.0), max_size=200))
def test_a_bucket_gives_no_more_than_its_rate(rate: float, steps: list[float]) -> None:
    """Whatever the clock does; what it says one has to wait is enough."""
    bucket, now, passed, gone = Bucket(rate), NOW, 0, 0.0
    for step in steps:
        now += step
        gone += max(step, 0.0)
        wait = bucket.take(now)
        passed += not wait
        assert passed <= max(rate, 1.0) + gone * rate + 1e-3
    wait = bucket.take(now)
    assert not wait or not bucket.take(now + wait * (1 + 1e-9) + 1e-6)


def test_tokens_of_a_mounted_secret_are_followed(tmp_path: Path) -> None:
    """Kubernetes lays the new ones in a folder of their own, and turns the link that the file's link leads through."""
    tokens = [create(tmp_path / name / "tokens.json", name, [Scope.predict])[1] for name in ("one", "two")]
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "tokens.json").symlink_to("..data/tokens.json")
    guard = gate(tmp_path / "tokens.json")
    assert [reason(guard, "predict", bearer(text)) for text in tokens] == [None, "wrong_token"]
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert [reason(guard, "predict", bearer(text), NOW + 1) for text in tokens] == ["wrong_token", None]


def test_without_access_checks_everybody_passes(file: Path) -> None:
    """A limit that lets nothing pass is refused."""
    guard = open_gate(Access(), file, 2)
    assert reason(guard, "admin", None) is None
    assert isinstance(open_gate(Access(enabled=True), file, 2), TokenGate)
    for wrong in (Access(requests_per_second=0.0), Access(largest_body=0), Access(requests_per_second=math.nan)):
        with pytest.raises(ConfigError, match="give a number above 0"):
            open_gate(wrong, file, 2)


def test_a_check_takes_microseconds(file: Path) -> None:
    """With a hundred tokens: some 2 us on one core; the limit here leaves room for a busy machine."""
    text = [create(file, f"{number}", [Scope.predict])[1] for number in range(100)][50]
    guard, header = gate(file, rate=1e9), bearer(text)
    best = math.inf
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(1000):
            guard.check("predict", header, NOW)
        best = min(best, (time.perf_counter() - begin) / 1000)
    print(f"{best * 1e6:.2f} us a check")
    assert best < 10e-6


LISTENING = """
import logging, sys
from headrace.access import bound_host, warn_if_open
warn_if_open(bound_host())
"""


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("127.0.0.1", "ACCESS CHECKS ARE OFF: every process of this machine may ask (127.0.0.1)"),
        ("0.0.0.0", "ACCESS CHECKS ARE OFF AND THE SERVICE IS OPEN: it listens at 0.0.0.0"),
        ("", "ACCESS CHECKS ARE OFF AND THE SERVICE IS OPEN: it may listen at any address"),
    ],
)
def test_an_open_service_says_so(host: str, line: str) -> None:
    """Louder where other machines reach it; a worker learns from its socket where it listens."""
    import socket

    with socket.socket() as listening:
        listening.bind((host or "127.0.0.1", 0))
        number = listening.fileno()
        command = [sys.executable, "-c", LISTENING, *(("--fd", str(number)) if host else ())]
        environment = {**os.environ, "PYTHONPATH": "."}
        done = subprocess.run(
            command, pass_fds=[number], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert "HEADRACE_ACCESS__ENABLED=true" in done.stderr
