"""Send requests at a rate, whether or not answers come, and print what they took as a line of JSON.

    python benchmarks/servers/open_loop.py --port 3000 --path /predict --rate 1200 --seconds 20 FILE [FIRST BEGIN STEP]

Requests are due at random moments (Poisson), as those of many clients are. Each is timed from when it was due: one that
has to wait for a free connection, or for this process, is not excused (coordinated omission).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterator

from bodies import bodies, http

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
GRACE = 5.0
"""Seconds that are waited for the last answers."""


class Connection:
    """One of a client's connections; it has one request under way at most."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._read = b""

    def ask(self, request: bytes, due: float) -> None:
        """Send a request."""
        self.due = due
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Return the status of the answer once all of it is there."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("the server closed a connection")
        self._read += part
        head, found, body = self._read.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return None
        status, self._read = int(head[9:12]), b""
        return status


def moments(rate: float, seconds: float) -> deque[float]:
    """Return when requests are due, in seconds from the beginning."""
    draw, now, due = random.Random(0), 0.0, deque[float]()
    while (now := now + draw.expovariate(rate)) < seconds:
        due.append(now)
    return due


def run(connections: list[Connection], due: deque[float], requests: Iterator[bytes]) -> tuple[list[float], int]:
    """Send requests when they are due; return the seconds that each took, and how many failed."""
    free = deque(connections)
    by_number = {each.socket.fileno(): each for each in free}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    took, refused, asked, end = list[float](), 0, len(due), due[-1] + GRACE
    begin = time.perf_counter()
    while (due or len(free) < len(connections)) and (now := time.perf_counter() - begin) < end:
        while due and free and due[0] <= now:
            free.popleft().ask(next(requests), due.popleft())
        wait = max(0.0, due[0] - now) if due and free else 0.1
        for number, _ in poll.poll(wait):
            connection = by_number[number]
            status = connection.status()
            if status is not None:
                took.append(time.perf_counter() - begin - connection.due)
                refused += status != 200
                free.append(connection)
    return took, refused + asked - len(took)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("file")
    parser.add_argument("numbers", type=int, nargs="*")
    options = parser.parse_args()
    requests = (http(options.path, body) for body in bodies(options.file, options.numbers))
    connections = [Connection(options.port) for _ in range(options.clients)]
    took, failed = run(connections, moments(options.rate, options.seconds), requests)
    took.sort()
    found = {f"p{share}": took[int(len(took) * share / 100)] * 1e3 for share in (50, 95, 99)}
    print(
        json.dumps(
            {
                "requests": len(took) + failed,
                "failed": failed,
                **found,
                "worst": took[-1] * 1e3,
                "cpu": time.process_time(),
            }
        )
    )


if __name__ == "__main__":
    main()
