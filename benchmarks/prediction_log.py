"""How many answers a second the prediction log takes, and what each costs the event loop and the process.

    python benchmarks/prediction_log.py [--seconds 5] [--processes 2] [--clients 64]

SQLite in a temporary folder, then PostgreSQL by pgserver. Each process has that many coroutines, which append one entry
after another, as requests do.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import datetime as dt
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from random import randrange
from typing import Any

from headrace.prediction_log import Entry, PredictionLog, new_request_id, read_keys

KEYS = "bench:" + base64.b64encode(bytes(range(32))).decode()
INSTANCE = {
    "transaction_id": 1,
    "tx_datetime": "2018-08-15T12:00:00",
    "customer_id": 596,
    "terminal_id": 3156,
    "tx_amount": 57.16,
}
FEATURES = {f"terminal_id_fraud_{number}d": number / 7 for number in range(30)}


async def load(log: PredictionLog, seconds: float, clients: int) -> tuple[int, list[float]]:
    """Append until the time is over; return how many, and the seconds that some of them took."""
    took: list[float] = []
    end, done = time.perf_counter() + seconds, 0

    async def client() -> None:
        nonlocal done
        while (start := time.perf_counter()) < end:
            await log.append(
                Entry(
                    request_id=new_request_id(),
                    time=dt.datetime.now(dt.UTC),
                    subject=randrange(5000),
                    instance=INSTANCE,
                    features=FEATURES,
                    score=0.25,
                    decision="allow",
                    variant="champion",
                    model_version="0123456789ab",
                )
            )
            done += 1
            if done % 16 == 0:
                took.append(time.perf_counter() - start)

    await asyncio.gather(*(client() for _ in range(clients)))
    return done, took


def run(url: str, seconds: float, clients: int, ready: Any, results: Any) -> None:
    """Be one process."""
    log = PredictionLog(url, read_keys(KEYS, Path()), "bench")
    ready.wait()
    whole = {}

    async def main() -> tuple[int, list[float]]:
        whole["cpu"], whole["loop"] = time.process_time(), time.thread_time()
        found = await load(log, seconds, clients)
        whole["cpu"], whole["loop"] = time.process_time() - whole["cpu"], time.thread_time() - whole["loop"]
        return found

    start = time.perf_counter()
    done, took = asyncio.run(main())
    elapsed = time.perf_counter() - start
    took.sort()
    results.put(
        {
            "entries_per_second": done / elapsed,
            "loop_us_per_entry": whole["loop"] / done * 1e6,
            "cpu_us_per_entry": whole["cpu"] / done * 1e6,
            "p50_ms": took[len(took) // 2] * 1e3,
            "p99_ms": took[int(len(took) * 0.99)] * 1e3,
            "worst_ms": took[-1] * 1e3,
        }
    )
    log.close()


def measure(url: str, seconds: float, processes: int, clients: int) -> list[dict[str, float]]:
    """Return what each of some processes measured that wrote at the same time."""
    spawn = multiprocessing.get_context("spawn")
    ready, results = spawn.Barrier(processes), spawn.Queue()
    started = [spawn.Process(target=run, args=(url, seconds, clients, ready, results)) for _ in range(processes)]
    for process in started:
        process.start()
    found = [results.get() for _ in started]
    for process in started:
        process.join()
    return found


def main() -> None:
    """Print a line for each process, and the sum."""
    import pgserver

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--sqlite-only", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        urls = {"SQLite": f"sqlite:///{folder}/predictions.db"}
        server = None if arguments.sqlite_only else pgserver.get_server(f"{folder}/postgresql")
        if server is not None:
            urls["PostgreSQL"] = server.get_uri()
        for name, url in urls.items():
            found = measure(url, arguments.seconds, arguments.processes, arguments.clients)
            for each in found:
                print(name, json.dumps({key: round(value, 1) for key, value in each.items()}), flush=True)
            total = sum(each["entries_per_second"] for each in found)
            print(f"{name}: {total:,.0f} entries/s by {arguments.processes} processes", flush=True)
        if server is not None:
            server.cleanup()


if __name__ == "__main__":
    main()
