"""Clients that load a service and remember what they were told; what the prediction log says of it; its processes."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import psutil

from headrace.prediction_log.database import make_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packaged_pipeline import Server

OK, UNAVAILABLE = 200, 503
PATIENCE = 30.0
"""Seconds for which an answer is waited for."""
TOLD = ("prediction", "probability", "decision", "rule", "model_version", "variant", "request_id")
"""What an answer says each time that it is given."""


class Lost(Exception):  # noqa: N818  it is what became of a request
    """A connection ended, or said nothing, before the answer."""


@dataclass(frozen=True)
class Told:
    """An answer, and when it came."""

    request_id: str
    status: int
    body: Any
    at: float
    seconds: float


class Client:
    """One connection that is kept, and made anew after it was lost."""

    def __init__(self, port: int, patience: float = PATIENCE) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def send(self, path: str, body: bytes, **headers: str) -> None:
        """Send a request; `receive` is next."""
        told = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            self._connection.request("POST", path, body, told)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost(f"not sent: {error!r}") from error

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers in small letters, and the body."""
        try:
            answer = self._connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost(f"not answered: {error!r}") from error

    def ask(self, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request, and return what `receive` does."""
        self.send(path, body, **headers)
        return self.receive()

    @property
    def port(self) -> int:
        """The client's own port, by which its connection is known to the server."""
        return int(self._connection.sock.getsockname()[1])

    def connect(self) -> None:
        """Connect before there is something to send."""
        self._connection.connect()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def payment(number: int) -> dict[str, Any]:
    """Return a payment that is like no other, as a request has it."""
    draw = random.Random(number)
    seconds = number % 86_400
    return {
        "id": 1_000_000 + number,
        "paid at": f"2024-03-14T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
        "card": draw.randrange(500),
        "amount paid": round(draw.gammavariate(2, 40), 2),
        "kind": draw.choice(["chip", "web"]),
        "country": draw.choice([None, "FR", "JP"]),
        "abroad": draw.random() < 0.2,
        "risk": draw.uniform(-1, 1),
        "born": f"19{draw.randrange(50, 99)}-05-17",
        "code": f"{draw.choice('AB')}C{draw.randrange(300)}",
        "tries": draw.choice([None, 1, 2, 3]),
    }


class Load:
    """Clients, each with a connection of its own, that send payments with request ids until they are told to stop.

    Args:
        port: Says which service is asked, each time anew.
        name: What request ids begin with.
        clients: How many.
        pause: Seconds of each client between an answer and its next request.
    """

    numbers = itertools.count()
    """Payments of all loads of this process are different."""

    def __init__(self, port: Callable[[], int], name: str = "r", clients: int = 8, pause: float = 0.0) -> None:
        self._port, self._name, self._pause = port, name, pause
        self._ending = threading.Event()
        self.sending = threading.Lock()
        """Held while a client looks up the port and sends, and not while it waits."""
        self.sent: dict[str, bytes] = {}
        self.told: list[Told] = []
        self.lost: dict[str, str] = {}
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE + 5)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"

    @property
    def acknowledged(self) -> dict[str, Any]:
        """The answers that were given."""
        return {each.request_id: each.body for each in list(self.told) if each.status == OK}

    @property
    def refused(self) -> list[Told]:
        """The other answers."""
        return [each for each in list(self.told) if each.status != OK]

    def between(self, since: float, until: float) -> list[Told]:
        """Return what was told in a time."""
        return [each for each in list(self.told) if since <= each.at < until]

    def wait_for(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait for so many more answers of 200."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, seconds)

    def seconds_until_answered(self, since: float, seconds: float = PATIENCE) -> float:
        """Wait for the first answer of 200 to a request that was sent after a moment; return how long that took."""
        found: list[float] = []

        def is_answered() -> bool:
            times = [each.at for each in list(self.told) if each.status == OK and each.at - each.seconds > since]
            found.extend(times[:1])
            return bool(times)

        wait_until(is_answered, seconds)
        return found[0] - since

    def _run(self) -> None:
        clients: dict[int, Client] = {}
        while not self._ending.is_set():
            number = next(Load.numbers)
            request_id = f"{self._name}-{number}"
            body = json.dumps({"instance": payment(number), "request_id": request_id}).encode()
            self.sent[request_id] = body
            begin = time.monotonic()
            try:
                with self.sending:
                    port = self._port()
                    client = clients.setdefault(port, Client(port))
                    client.send("/predict", body)
                status, _, text = client.receive()
                self.told.append(Told(request_id, status, json.loads(text), time.monotonic(), time.monotonic() - begin))
            except Lost as error:
                self.lost[request_id] = str(error)
                self._ending.wait(0.05)
            if self._pause:
                self._ending.wait(self._pause)
        for client in clients.values():
            client.close()


def logged(url: str) -> list[tuple[str, float, str]]:
    """Return the request id, the score and the decision of each row of a log."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            query = "SELECT request_id, score, decision FROM prediction_entry"
            return [(row[0], row[1], row[2]) for row in connection.exec_driver_sql(query)]
    finally:
        engine.dispose()


def check_log(url: str, acknowledged: dict[str, Any], what: str) -> dict[str, tuple[float, str]]:
    """Hold that every acknowledged answer is in the log as it was given, and nothing is there twice; print the figures."""
    rows = logged(url)
    there = {request_id: (score, decision) for request_id, score, decision in rows}
    lost = [each for each in acknowledged if each not in there]
    other = [
        each
        for each, answer in acknowledged.items()
        if each in there and there[each] != (answer["probability"], answer["decision"])
    ]
    twice = len(rows) - len(there)
    print(
        f"{what}: acknowledged={len(acknowledged)} in_log={len(rows)} lost={len(lost)} twice={twice} other={len(other)}"
    )
    assert (lost, twice, other) == ([], 0, []), (lost[:5], twice, other[:5])
    return there


def sqlite_log(server: Server) -> str:
    """Return where the log is that a service keeps in its state folder."""
    return f"sqlite:///{server.state}/predictions.db"


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Return how many seconds it took until something holds."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < seconds, f"not within {seconds:g} seconds"
        time.sleep(0.02)
    return time.monotonic() - begin


def workers_of(server: Server) -> list[psutil.Process]:
    """Return the processes that answer."""
    found = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "_bentoml_impl.worker.service" in " ".join(process.cmdline()).replace("/", "."):
                found.append(process)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once, and wait until they are gone."""
    ended = list(processes)
    for process in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(ended, 10)
