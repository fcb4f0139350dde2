"""The gate before a small application, asked over HTTP and by ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from headrace.access import Gate, Guarded, Scope, TokenGate, create, revoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

LARGEST = 1000
NEEDS = {"/predict": "predict", "/outcomes": "outcomes", "/livez": None}


async def echo(request: Request) -> PlainTextResponse:
    """Answer with the body."""
    return PlainTextResponse(await request.body())


APP = Starlette(routes=[Route(path, echo, methods=["GET", "POST"]) for path in NEEDS])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where tokens will be."""
    return tmp_path / "tokens.json"


@pytest.fixture
def gate(file: Path) -> TokenGate:
    """Return the gate."""
    return TokenGate(file, 1000.0, 1, LARGEST)


@pytest.fixture
def port(gate: TokenGate) -> Iterator[int]:
    """Return the port of a running service."""
    app = Guarded(APP, gate, lambda path: NEEDS.get(path, "admin"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def ask(port: int, path: str, token: str | None = None, body: Any = b"") -> tuple[int, Any, bytes]:
    """Return the status, the headers and the body of an answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_requests_are_refused_for_what_they_lack(port: int, file: Path, gate: TokenGate) -> None:
    """401 without a token, 403 without the scope, 429 too often, 413 with too much; JSON says why, briefly."""
    _, predict = create(file, "a", [Scope.predict])
    _, seldom = create(file, "b", [Scope.predict], requests_per_second=0.01)
    assert ask(port, "/livez")[0] == 200
    assert ask(port, "/predict", predict, b"row")[::2] == (200, b"row")
    assert ask(port, "/predict", seldom)[0] == 200
    found = {
        "no_token": ask(port, "/predict"),
        "wrong_token": ask(port, "/predict", predict[:-1] + "!"),
        "missing_scope": ask(port, "/outcomes", predict),
        "too_many_requests": ask(port, "/predict", seldom),
        "body_too_large": ask(port, "/predict", predict, b"a" * (LARGEST + 1)),
    }
    assert [status for status, _, _ in found.values()] == [401, 401, 403, 429, 413]
    assert gate.refusals == dict.fromkeys(found, 1)
    for _, headers, body in found.values():
        assert headers["content-type"] == "application/json"
        assert list(json.loads(body)) == ["error"]
        assert len(body) < 100
    challenges = [headers["www-authenticate"] for _, headers, _ in found.values()]
    assert challenges[0] == 'Bearer realm="headrace"'
    assert 'error="invalid_token"' in challenges[1]
    assert 'error="insufficient_scope", scope="outcomes"' in challenges[2]
    assert 90 <= int(found["too_many_requests"][1]["retry-after"]) <= 100
    assert ask(port, "/unknown", predict)[0] == 403


def test_a_revoked_token_is_refused_within_a_second(port: int, file: Path) -> None:
    """The service runs on."""
    token, text = create(file, "a", [Scope.predict])
    assert ask(port, "/predict", text)[0] == 200
    revoke(file, token.id)
    until = time.monotonic() + 1.0
    while ask(port, "/predict", text)[0] == 200:
        assert time.monotonic() < until


def test_a_body_is_read_no_further_than_its_limit(port: int, file: Path) -> None:
    """One that does not say its length, and does not end; one that says too much is not waited for."""
    _, text = create(file, "a", [Scope.predict])
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        with contextlib.suppress(ConnectionError):
            while sent < 100_000_000:
                yield b"a" * 100
                sent += 100

    with contextlib.suppress(ConnectionError):
        assert ask(port, "/predict", text, endless())[0] == 413
    assert sent < 100_000_000
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {text}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))  # to the end: the connection is closed
    assert answer.startswith(b"HTTP/1.1 413")
    assert ask(port, "/predict", text, b"a" * LARGEST)[0] == 200


def test_a_body_of_many_parts_comes_whole(gate: Gate) -> None:
    """And a client that is gone before its end is not answered."""

    def told(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return parts.pop(0)

        async def send(message: Any) -> None:
            answers.append(message)

        scope = {"type": "http", "method": "POST", "path": "/livez", "headers": [], "query_string": b""}
        asyncio.run(Guarded(APP, gate, NEEDS.get)(scope, receive, send))
        return answers

    parts = [{"type": "http.request", "body": bytes([48 + n]), "more_body": n < 9} for n in range(10)]
    assert told(parts)[1]["body"] == b"0123456789"
    gone = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    assert told(gone) == []
