"""Whatever is sent is answered, soon, and never with an error of the server's own."""

from __future__ import annotations

import copy
import gzip
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from clients import OK, Client, Lost, logged, payment, sqlite_log
from packaged_pipeline import Server, environment, serving, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packaged_pipeline import Place

SEED = 20_261_123
BODIES = 10_000
SECONDS = 5.0
"""For an answer."""
CLIENTS = 4
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
PATHS = ("/predict", "/predict_batch", "/outcomes", "/v2/models/cards/infer")
KINDS = (
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/xml",
    "",
    "multipart/form-data",
)
STRANGE: list[Any] = [
    None, True, False, 0, -1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 5e-324, "", "\0", "\ud800", "\U0001f4b3", "A" * 5000,
    "2024-02-30T10:00:00", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59", "1e400", "NaN", [], {}, [[]],
    {"": {}}, [None] * 50, {"__class__": "x"}, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]


@pytest.fixture(scope="module")
def server(packaged: Place) -> Iterator[Server]:
    """Serve cards."""
    for (running,) in serving(start(packaged.root, packaged.home)):
        yield running


def test_the_service_does_as_its_document_says(server: Server, tmp_path: Path) -> None:
    """Schemathesis: no 5xx, and each answer is of a status, a kind and a shape that the OpenAPI document knows."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"http://127.0.0.1:{server.port}/docs.json",
        "--checks", CHECKS, "--max-examples", "150", "--seed", str(SEED), "--phases", "examples,coverage,fuzzing",
        "--request-timeout", str(SECONDS), "--suppress-health-check", "all", "--generation-database", "none",
        "--no-color", "--no-shrink", "--continue-on-failure", "--warnings", "off",
    ]  # fmt: skip
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=240, check=False
    )
    summary = done.stdout[done.stdout.rfind("SUMMARY") :]
    print(f"seed {SEED}, {time.monotonic() - begin:.0f} s\n{summary}")
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert "Traceback" not in server.log.read_text()


def sound(path: str, number: int) -> dict[str, Any]:
    """Return a request that is right."""
    if path == "/predict":
        return {"instance": payment(number), "request_id": f"m-{number}", "explain": number % 5 == 0}
    if path == "/predict_batch":
        return {"instances": [payment(10 * number + each) for each in range(3)], "request_id": f"b-{number}"}
    if path == "/outcomes":
        return {"outcomes": [{"request_id": f"m-{number - each}", "label": each % 2} for each in range(3)]}
    names = {
        "id": "INT64",
        "paid at": "BYTES",
        "card": "INT64",
        "amount paid": "FP64",
        "kind": "BYTES",
        "code": "BYTES",
    }
    names |= {"country": "BYTES", "abroad": "BOOL", "risk": "FP64", "born": "BYTES", "tries": "INT64"}
    row = {**payment(number), "country": "FR", "tries": 1}
    inputs = [{"name": name, "datatype": kind, "shape": [1], "data": [row[name]]} for name, kind in names.items()]
    return {"id": f"i-{number}", "inputs": inputs}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a JSON value: what it is in, and its key or its index there."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def flip_bits(draw: random.Random, content: Any) -> bytes:
    """Change some bits."""
    body = bytearray(json.dumps(content).encode())
    for _ in range(draw.randint(1, 4)):
        body[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
    return bytes(body)


def cut_off(draw: random.Random, content: Any) -> bytes:
    """Leave out an end or a beginning."""
    body = json.dumps(content).encode()
    at = draw.randrange(len(body))
    return draw.choice([body[:at], body[at:]])


def put_in(draw: random.Random, content: Any) -> bytes:
    """Put bytes somewhere."""
    body = json.dumps(content).encode()
    at = draw.randrange(len(body) + 1)
    return (
        body[:at]
        + draw.choice([draw.randbytes(draw.randint(1, 8)), b"\xed\xa0\x80", b"\0", b'"', b"{", b"\xff"])
        + body[at:]
    )


def put_strange(draw: random.Random, content: Any) -> bytes:
    """Put strange values in the place of some."""
    for _ in range(draw.randint(1, 2)):
        within, key = draw.choice(list(places(content)))
        within[key] = draw.choice(STRANGE)
    return json.dumps(content).encode()


def swap_values(draw: random.Random, content: Any) -> bytes:
    """Put two values each in the other's place."""
    (first, one), (second, other) = draw.sample(list(places(content)), 2)
    if len(json.dumps(content)) < 10**5:
        first[one], second[other] = copy.deepcopy(second[other]), copy.deepcopy(first[one])
    return json.dumps(content).encode()


def leave_out(draw: random.Random, content: Any) -> bytes:
    """Leave out a value, or add one."""
    within, key = draw.choice(list(places(content)))
    if draw.random() < 0.5:
        del within[key]
    elif isinstance(within, dict):
        within[draw.choice(["", "extra", "__proto__", "\ud800", "x" * 1000])] = draw.choice(STRANGE)
    else:
        within.append(draw.choice(STRANGE))
    return json.dumps(content).encode()


def nest(draw: random.Random, content: Any) -> bytes:
    """Nest deep: as the whole body, or in the place of a value."""
    depth = draw.choice([50, 500, 5_000, 50_000])
    opening, closing = draw.choice([(b"[", b"]"), (b'{"instance":', b"}"), (b'{"instances":[', b"]}")])
    deep = opening * depth + b"1" + draw.choice([closing * depth, b""])
    if draw.random() < 0.4:
        return deep
    within, key = draw.choice(list(places(content)))
    within[key] = "HERE"
    return json.dumps(content).encode().replace(b'"HERE"', deep)


def write_numbers(draw: random.Random, content: Any) -> bytes:
    """Write numbers that are huge, or none."""
    number = draw.choice(
        [b"1" * draw.choice([30, 400, 5_000]), b"1e999", b"-1e999", b"1E-9999", b"NaN", b"Infinity", b"-Infinity", b"00", b"0x1", b"1.", b".5", b"+1", b"9" * 4301, b"0." + b"1" * 5000]
    )  # fmt: skip
    within, key = draw.choice(list(places(content)))
    within[key] = "HERE"
    return json.dumps(content).encode().replace(b'"HERE"', number)


def say_twice(draw: random.Random, content: Any) -> bytes:
    """Give a key twice, with another value or the same."""
    body = json.dumps(content)
    within, key = draw.choice([(each, key) for each, key in places(content) if isinstance(each, dict)])
    written = json.dumps(key) + ": "
    again = json.dumps(draw.choice([within[key], *STRANGE]))
    return body.replace(written, f"{written}{again}, {written}", 1).encode()


def leave_empty(draw: random.Random, _: Any) -> bytes:
    """Send nothing, or hardly anything."""
    return draw.choice(
        [b"", b" ", b"\n\n", b"null", b"0", b'""', b"[]", b"{}", b"\xef\xbb\xbf{}", b"\0", draw.randbytes(200)]
    )


def keep(_: random.Random, content: Any) -> bytes:
    """Send it as it is."""
    return json.dumps(content).encode()


def zip_it(draw: random.Random, content: Any) -> bytes:
    """Compress it, or a part of it."""
    body = gzip.compress(json.dumps(content).encode())
    return draw.choice([body, body[:20], gzip.compress(bytes(10**6))])


MUTATIONS: list[Callable[[random.Random, Any], bytes]] = [
    flip_bits, cut_off, put_in, put_strange, put_strange, swap_values, leave_out, nest, write_numbers, say_twice,
    leave_empty, keep, zip_it,
]  # fmt: skip


def mutated(number: int) -> tuple[str, bytes, dict[str, str], str]:
    """Return the path, the body, the headers and the mutation's name of a request, always the same of a number."""
    draw = random.Random(SEED + number)
    path = PATHS[number % len(PATHS)]
    mutation = draw.choice(MUTATIONS)
    body = mutation(draw, sound(path, number))
    headers = {"content_type": "application/json" if draw.random() < 0.85 else draw.choice(KINDS)}
    if mutation is zip_it and draw.random() < 0.8:
        headers["content_encoding"] = "gzip"
    return path, body, headers, mutation.__name__


def answered_ids(path: str, text: bytes) -> list[str]:
    """Return the request ids that an answer of 200 acknowledges."""
    answer = json.loads(text)
    if path == "/predict":
        return [answer["request_id"]]
    if path == "/predict_batch":
        return [each["request_id"] for each in answer["predictions"] if each is not None]
    if path == "/outcomes":
        return []
    return [each for output in answer["outputs"] if output["name"] == "request_id" for each in output["data"]]


class Asked:
    """What became of mutated bodies."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.wrong: list[str] = []
        self.acknowledged: list[str] = []
        self.slowest = 0.0

    def send(self, client: Client, number: int) -> None:
        """Send one, and judge what is answered."""
        path, body, headers, mutation = mutated(number)
        what = f"{number} {path} {mutation} {headers} {body[:200]!r}"
        begin = time.monotonic()
        try:
            status, told, text = client.ask(path, body, **headers)
        except Lost as error:
            self.wrong.append(f"{what}: {error}")
            return
        took = time.monotonic() - begin
        self.slowest = max(self.slowest, took)
        self.statuses[path, status] += 1
        if status >= 500 or took > SECONDS or b"Traceback" in text or b"site-packages" in text:
            self.wrong.append(f"{what}: {status} after {took:.2f} s, {text[:300]!r}")
        elif status == OK:
            self.acknowledged.extend(answered_ids(path, text))
        if told.get("connection") == "close":
            client.close()


def test_ten_thousand_mutated_bodies(server: Server) -> None:
    """No 5xx, an answer to each within five seconds, and no acknowledgement that is not in the log."""
    asked = Asked()

    def send(first: int) -> None:
        client = Client(server.port, SECONDS)
        for number in range(first, BODIES, CLIENTS):
            asked.send(client, number)
        client.close()

    begin = time.monotonic()
    threads = [threading.Thread(target=send, args=(first,), daemon=True) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    there = [request_id for request_id, _, _ in logged(sqlite_log(server))]
    unlogged = set(asked.acknowledged) - set(there)
    print(
        f"seed {SEED}: {BODIES} bodies in {time.monotonic() - begin:.0f} s, slowest {asked.slowest * 1000:.0f} ms, "
        f"acknowledged rows {len(set(asked.acknowledged))}, unlogged {len(unlogged)}, wrong {len(asked.wrong)}"
    )
    for path in PATHS:
        print(path, {status: number for (of, status), number in sorted(asked.statuses.items()) if of == path})
    assert not asked.wrong, "\n".join(asked.wrong[:15])
    assert not unlogged
    assert len(there) == len(set(there))
    assert sum(asked.statuses.values()) == BODIES
    assert server.call("/readyz")[0] == OK


def test_a_body_that_never_ends_is_given_up(server: Server) -> None:
    """After half a minute, with 504; it is counted, and nobody else waits meanwhile."""
    count = 'headrace_requests_total{route="/predict",status="504"}'
    before, body = server.metric(count), json.dumps({"instance": payment(7)}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), 60) as waiting:
        waiting.sendall(head % len(body) + body[:-5])
        with socket.create_connection(("127.0.0.1", server.port), 20) as leaving:
            leaving.sendall(head % len(body) + body[:-5])
        assert server.call("/predict", body)[0] == OK
        assert time.monotonic() - begin < SECONDS
        answer = waiting.recv(4096)
    print(f"given up after {time.monotonic() - begin:.1f} s")
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert server.metric(count) == before + 1
