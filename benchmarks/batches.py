"""What a row of a batch costs, by part: CPU microseconds of the process that answers, without HTTP.

    python -m benchmarks.batches [--rows 10000] [--rounds 5]

The packaged fraud pipeline, its windows filled, is asked one batch after another, as the route does: the body is read,
features, score and decision are made, the answers are logged and written as JSON. A part is the CPU time of the thread
that does it; the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import os
import statistics
import tempfile
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.serving import PIPELINE, ROOT, write_rows
from headrace.live.columnar import fill_many
from headrace.live.file_store import FileStore
from headrace.live.many import ManyRows
from headrace.live.records import Records
from headrace.models.scoring import Scorer
from headrace.prediction_log import PredictionLog
from headrace.prediction_log.store import Store
from headrace.rules.row import RowRules
from headrace.service import package_folder, read_contents
from headrace.service.answering import Answering
from headrace.service.batching import Batching
from headrace.service.metrics import Metrics
from headrace.service.reading import Reader
from headrace.service.settings import read_settings
from headrace.service.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: list[tuple[str, Any, str]] = [
    ("read the body", Batching, "_read_all"),
    ("features", ManyRows, "__call__"),
    ("  make records", Records, "many"),
    ("  record, read histories", FileStore, "add_many"),
    ("  windows", None, "fill_many"),
    ("score", Scorer, "many"),
    ("rules", RowRules, "many"),
    ("make entries", Answering, "_entry"),
    ("write the log", PredictionLog, "_write"),
    ("  seal", Store, "values"),
    ("  insert", Store, "write"),
    ("make answers", Answering, "_fresh"),
    ("count", Metrics, "count_many"),
]
"""What is measured: a part that is indented is of the one above."""


def timed(called: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """Return a function that adds its CPU seconds to `spent`."""

    @wraps(called)
    def run(*given: Any, **named: Any) -> Any:
        begin = time.thread_time()
        try:
            return called(*given, **named)
        finally:
            spent[name] += time.thread_time() - begin

    return run


def measure_parts() -> dict[str, float]:
    """Have every part add to what is returned."""
    from headrace.live import many

    spent: dict[str, float] = collections.defaultdict(float)
    for name, owner, method in PARTS:
        if owner is None:
            many.fill_many = timed(fill_many, name, spent)
        else:
            setattr(owner, method, timed(getattr(owner, method), name, spent))
    return spent


async def answer(
    worker: Worker, reader: Reader, batches: list[bytes], spent: dict[str, float]
) -> list[dict[str, float]]:
    """Answer each batch; return the seconds of each part, of all CPU and by the clock."""
    batching = Batching(worker.contents, reader, worker)
    found = []
    for body in batches:
        spent.clear()
        cpu, clock = time.process_time(), time.perf_counter()
        said = await batching.answer(reader.batch(body).instances, None, clock)
        begin = time.thread_time()
        encoded = msgspec.json.encode(said)
        ends = time.thread_time(), time.process_time(), time.perf_counter()
        assert not said.errors
        assert encoded
        found.append({**spent, "encode": ends[0] - begin, "all CPU": ends[1] - cpu, "clock": ends[2] - clock})
    return found


def bodies(file: Path, begin: int, rows: int, rounds: int) -> list[bytes]:
    """Return the bodies of batches, no transaction twice."""
    lines = [line[:-1] for line in file.read_text().splitlines()]
    made = []
    for number in range(rounds):
        numbers = range(number * rows, (number + 1) * rows)
        times = (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin + each)) for each in numbers)
        instances = [
            f'{{"transaction_id":{10**9 + each},"tx_datetime":"{when}",{lines[each % len(lines)]}'
            for each, when in zip(numbers, times, strict=True)
        ]
        made.append(f'{{"instances":[{",".join(instances)}]}}'.encode())
    return made


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.chdir(ROOT)
    folder = package_folder(PIPELINE)
    contents = read_contents(folder)
    with tempfile.TemporaryDirectory() as state:
        os.environ["HEADRACE_STATE"] = f"{state}/state"
        rows, begin = write_rows(contents, folder, Path(state))
        batches = bodies(rows["raw"], begin, options.rows, options.rounds)
        worker = Worker(folder, contents, read_settings(contents.serving, contents.pipeline), 1)
        spent = measure_parts()
        worker.open()
        worker.open_gate()
        while not worker.is_ready():
            time.sleep(0.1)
        rounds = asyncio.run(answer(worker, Reader(contents), batches, spent))
        worker.close()
    print(f"Batches of {options.rows:,} rows: microseconds of a row, the median of {options.rounds} rounds\n")
    for name in [*(name for name, *_ in PARTS), "encode", "all CPU", "clock"]:
        print(f"{name:28}{statistics.median(each.get(name, 0.0) for each in rounds) / options.rows * 1e6:8.1f}")


if __name__ == "__main__":
    main()
