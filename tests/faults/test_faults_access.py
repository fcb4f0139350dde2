"""Who is not admitted is told so, and counted; nothing of what is inside is said."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from clients import OK, Client, payment, wait_until
from packaged_pipeline import Server, serving, start

from headrace.access import Scope, create, revoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaged_pipeline import Place

LARGEST = 20_000
INSIDE = ("Traceback", "headrace/", "/tmp", "/work", ".py", "sqlite", "site-packages", "Error:")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state folder."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def tokens(state: Path) -> dict[str, str]:
    """Return a token for each scope, and one that may ask seldom."""
    file = state / "tokens.json"
    found = {scope: create(file, f"for {scope}", [scope])[1] for scope in Scope}
    return {**found, "slow": create(file, "slow", [Scope.predict], requests_per_second=5)[1]}


@pytest.fixture(scope="module")
def server(packaged: Place, state: Path, tokens: dict[str, str]) -> Iterator[Server]:
    """Serve cards to those who have tokens."""
    told = {"HEADRACE_ACCESS__ENABLED": "true", "HEADRACE_ACCESS__LARGEST_BODY": str(LARGEST)}
    for (running,) in serving(start(packaged.root, packaged.home, HEADRACE_STATE=str(state), **told)):
        yield running


def ask(server: Server, path: str, token: str | None, body: bytes | None = None) -> tuple[int, dict[str, str], Any]:
    """Ask over a connection of its own."""
    client = Client(server.port)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    text = json.dumps({"instance": payment(time.monotonic_ns() % 10**9)}).encode() if body is None else body
    status, told, found = client.ask(path, text, **headers)
    client.close()
    return status, told, json.loads(found)


def refusals(server: Server, reason: str) -> float:
    """Return how many were refused for a reason."""
    return server.metric(f'headrace_refusals_total{{reason="{reason}"}}')


def is_counted(server: Server, reason: str, before: float, number: int = 1) -> bool:
    """Wait until refusals are in the metrics, which take them over every second."""
    wait_until(lambda: refusals(server, reason) >= before + number, 5)
    return refusals(server, reason) == before + number


@pytest.mark.parametrize(
    "case",
    [
        ("/predict", None, 401, "no_token"),
        ("/predict", "hr_00000000_nobody-has-it", 401, "wrong_token"),
        ("/outcomes", "", 401, "wrong_token"),
        ("/predict", Scope.outcomes, 403, "missing_scope"),
        ("/predict_batch", Scope.admin, 403, "missing_scope"),
        ("/v2/models/cards/infer", Scope.outcomes, 403, "missing_scope"),
        ("/outcomes", Scope.predict, 403, "missing_scope"),
        ("/anything", Scope.predict, 403, "missing_scope"),
    ],
)
def test_who_may_not_is_told_so(server: Server, tokens: dict[str, str], case: tuple[str, str | None, int, str]) -> None:
    """401 without a token that is good, 403 without its scope; each is counted by its reason."""
    path, scope, status, reason = case
    before = refusals(server, reason)
    found, headers, body = ask(server, path, None if scope is None else tokens.get(scope, scope))
    assert (found, list(body)) == (status, ["error"])
    assert headers["www-authenticate"].startswith("Bearer")
    assert not [each for each in INSIDE if each in json.dumps(body)]
    assert is_counted(server, reason, before)


def test_who_may_is_answered(server: Server, tokens: dict[str, str]) -> None:
    """With the scope that is needed; the probes need none."""
    status, _, body = ask(server, "/predict", tokens[Scope.predict])
    assert status == OK
    told = {"outcomes": [{"request_id": body["request_id"], "label": 0}]}
    assert ask(server, "/outcomes", tokens[Scope.outcomes], json.dumps(told).encode())[0] == OK
    for path in ("/livez", "/readyz", "/healthz"):
        assert server.call(path)[0] == OK


def test_a_body_that_is_too_large_is_refused(server: Server, tokens: dict[str, str]) -> None:
    """Whether its length is said or it comes in chunks; a token that is wrong is told first."""
    before = refusals(server, "body_too_large")
    for path in ("/predict", "/predict_batch", "/outcomes"):
        scope = Scope.outcomes if path == "/outcomes" else Scope.predict
        status, _, body = ask(server, path, tokens[scope], b" " * (LARGEST + 1))
        assert (status, body) == (413, {"error": f"the body is too large; send at most {LARGEST} bytes"})
    client = Client(server.port)
    chunks: Any = iter([b" " * 9000] * 3)
    status, _, _ = client.ask("/predict", chunks, authorization=f"Bearer {tokens[Scope.predict]}")
    client.close()
    assert status == 413
    assert is_counted(server, "body_too_large", before, 4)
    assert ask(server, "/predict", "hr_00000000_x", b" " * (LARGEST + 1))[0] == 401


def test_too_many_requests_are_told_to_wait(server: Server, tokens: dict[str, str]) -> None:
    """429 with Retry-After; after that time there is an answer again, and others are not held up."""
    before = refusals(server, "too_many_requests")
    found = [ask(server, "/predict", tokens["slow"]) for _ in range(20)]
    statuses = [status for status, _, _ in found]
    refused = [headers for status, headers, _ in found if status == 429]
    assert set(statuses) == {OK, 429}
    assert statuses[:5] == [OK] * 5
    assert {headers["retry-after"] for headers in refused} == {"1"}
    assert ask(server, "/predict", tokens[Scope.predict])[0] == OK
    time.sleep(1)
    assert ask(server, "/predict", tokens["slow"])[0] == OK
    assert is_counted(server, "too_many_requests", before, len(refused))


def test_a_revoked_token_is_refused_within_a_second(server: Server, state: Path) -> None:
    """While it is in use; a new one is taken as soon."""
    token, text = create(state / "tokens.json", "for a while", [Scope.predict])
    taken = wait_until(lambda: ask(server, "/predict", text)[0] == OK, 2)
    revoke(state / "tokens.json", token.id)
    refused = wait_until(lambda: ask(server, "/predict", text)[0] == 401, 2)
    print(f"a token is taken {taken:.2f} s after it was made, and refused {refused:.2f} s after it was revoked")
    assert max(taken, refused) < 1
