"""How long the simulator takes at its published size and at ten times that, and what one more day costs an ingest.

Run it from the repository root: `python -m benchmarks.simulator`.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.declaration.pipeline import IngestConfig
from headrace.declaration.rows import RowIdentity
from headrace.sources import SimulatedCards, ingest

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = 183  # what the handbook simulates: 2018-04-01 to 2018-09-30
UNTIL, DAY_AFTER = date(2018, 10, 1), date(2018, 10, 2)
SIZES = {"published": 1, "ten times": 10}
LIMITS = {"published": 3, "ten times": 30}
RUNS = 3


def main() -> None:
    """Print the table."""
    print(f"{len(os.sched_getaffinity(0))} cores, best of {RUNS} runs, {DAYS} days\n")
    print("| size | rows | simulate (s) | limit (s) | ingest (s) | one more day (s) | share |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, times in SIZES.items():
        source = {"customers": 5_000 * times, "terminals": 10_000 * times}
        simulating, rows = best(lambda source=source: simulate(source))
        whole, more = measure_ingest(source)
        print(
            f"| {name} | {rows:,} | {simulating:.2f} | {LIMITS[name]} | {whole:.2f} | {more:.2f} | {more / whole:.1%} |"
        )


def best(action: Callable[[], int]) -> tuple[float, int]:
    """Return the shortest of some runs in seconds, and what the action returned."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def simulate(source: dict[str, int]) -> int:
    """Draw all days, keep none, and return how many rows there were."""
    return sum(table.num_rows for table in SimulatedCards(**source).read(None, UNTIL))


def measure_ingest(source: dict[str, int]) -> tuple[float, float]:
    """Return the seconds of an ingest of all days (simulated, sorted, written), and of one that adds a day."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for until in (UNTIL, DAY_AFTER):
            started = time.perf_counter()
            ingest(
                IngestConfig(
                    pipeline="fraud",
                    until=str(until),
                    source={"_target_": "headrace.sources.SimulatedCards", **source},
                    schema=RowIdentity(key="transaction_id", timestamp="tx_datetime"),
                ),
                Path(folder),
            )
            seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
