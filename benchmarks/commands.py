"""How long a person waits for a command: medians side by side with an empty Python process and `dvc --version`.

`python -m benchmarks.commands [runs]`, from the project's folder. Every command is run in turn, round after round, so
that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

RUNS = 15
EMPTY = "python -c pass"
COMMANDS = {
    EMPTY: [sys.executable, "-c", "pass"],
    "dvc --version": ["dvc", "--version"],
    "headrace --help": ["headrace", "--help"],
    "headrace chek": ["headrace", "chek"],
    "headrace check --help": ["headrace", "check", "--help"],
    "a Tab: headrace show f": ["headrace"],
    "headrace show": ["headrace", "show"],
    "headrace show fraud": ["headrace", "show", "fraud"],
    "headrace check, nothing changed": ["headrace", "check"],
    "headrace check fraud, after an edit": ["headrace", "check", "fraud"],
    "headrace explain fraud": ["headrace", "explain", "fraud"],
}
TAB = {"_HEADRACE_COMPLETE": "complete_bash", "COMP_WORDS": "headrace show f", "COMP_CWORD": "2"}
SERVING = Path("pipelines", "fraud", "serving.yaml")


class Times(NamedTuple):
    """Of one command, in seconds."""

    wall: float
    """On the clock: what a person waits, on a machine that does nothing else."""
    processor: float
    """Of the processor: what others do at the same time changes it little."""


def main() -> None:
    """Print a line for each command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    before = SERVING.read_text()
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": cache,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        try:
            taken: dict[str, list[Times]] = {name: [] for name in COMMANDS}
            for number in range(runs + 1):  # the first round fills caches
                for name, command in COMMANDS.items():
                    if "edit" in name:
                        SERVING.write_text(f"{before}# {number}\n")
                    times = time_of(command, environment | (TAB if "Tab" in name else {}))
                    SERVING.write_text(before)
                    if number:
                        taken[name].append(times)
        finally:
            SERVING.write_text(before)
    print(f"{'command':<38}{'median, s':>10}{'processor, s':>14}{'beside an empty process':>25}")
    empty = statistics.median(each.processor for each in taken[EMPTY])
    for name, each in taken.items():
        wall, processor = (statistics.median(times) for times in zip(*each, strict=True))
        print(f"{name:<38}{wall:>10.3f}{processor:>14.3f}{processor / empty:>24.1f}x")


def time_of(command: list[str], environment: dict[str, str]) -> Times:
    """Return how long a command takes."""
    before, since = _of_children(), time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return Times(time.perf_counter() - since, _of_children() - before)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
