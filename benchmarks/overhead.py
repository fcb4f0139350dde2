"""What DVC and one process a stage cost, beside the same work in one Python process and beside an empty DVC pipeline.

    python benchmarks/overhead.py [--rounds 1]

The first table runs both pipelines as params.yaml has them, from nothing, once under `dvc repro` and once by calling
the stages' own main functions one after the other. The second compares a `dvc repro` that has nothing to do with one of
a pipeline of as many stages that do nothing and read nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
IGNORED = (".git", ".venv", ".dvc", "mlflow.db", "mlruns", "tests", "docs", "__pycache__", ".hypothesis", ".*_cache")
TARGETS = {"whole pipelines": 1.5, "nothing to do": 2.0}


def copy_project(target: Path) -> None:
    """Copy the repository without what its stages wrote, and make it a DVC project."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*IGNORED, "data"))
    for source in (ROOT / "data").glob("*/source"):
        shutil.copytree(source, target / source.relative_to(ROOT))
    (target / "dvc.lock").unlink(missing_ok=True)
    run(target, "git", "init", "-q")
    run(target, "dvc", "init", "-q")


def run(folder: Path, *command: str) -> float:
    """Run a command and return its seconds."""
    environment = {**os.environ, "BENTOML_HOME": str(folder / ".bentoml"), "DVC_NO_ANALYTICS": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env={**environment, "PATH": path}, check=True, capture_output=True)
    return time.perf_counter() - start


def commands(folder: Path) -> list[str]:
    """Return the commands of the stages in an order that suits their dependencies: that of `dvc.yaml`."""
    from dvc.repo import Repo

    kinds = list(yaml.safe_load((folder / "dvc.yaml").read_text())["stages"])
    with Repo(str(folder)) as repo:
        stages = sorted(repo.index.stages, key=lambda stage: kinds.index(stage.name.partition("@")[0]))
        return [str(stage.cmd) for stage in stages]


def in_one_process(folder: Path, lines: list[str]) -> None:
    """Call the main function of each command's module, in this process."""
    os.chdir(folder)
    os.environ["BENTOML_HOME"] = str(folder / ".bentoml")
    sys.path.insert(0, str(folder))
    for line in lines:
        words = shlex.split(line)
        module = importlib.import_module(words[2])
        sys.argv = [str(module.__file__), *words[3:]]
        with contextlib.redirect_stdout(io.StringIO()):
            module.main()


def empty_pipeline(folder: Path, stages: int) -> None:
    """Make a DVC project of stages that depend on each other and do nothing."""
    folder.mkdir()
    chain = {
        f"s{number}": {
            "cmd": f"touch o{number}",
            "outs": [f"o{number}"],
            **({"deps": [f"o{number - 1}"]} if number else {}),
        }
        for number in range(stages)
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": chain}))
    run(folder, "git", "init", "-q")
    run(folder, "dvc", "init", "-q")
    run(folder, "dvc", "repro")


def main() -> int:
    """Print the tables; return 1 where a ratio is past its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--in-one-process", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_one_process:
        in_one_process(arguments.in_one_process, sys.stdin.read().splitlines())
        return 0
    with tempfile.TemporaryDirectory() as name:
        return measure(Path(name), arguments.rounds)


def measure(folder: Path, rounds: int) -> int:
    """Measure both pairs side by side, in turns."""
    with_dvc, without, nothing, empty = [], [], [], []
    for round_ in range(rounds):
        project, bare = folder / f"dvc{round_}", folder / f"bare{round_}"
        copy_project(project)
        copy_project(bare)
        with_dvc.append(run(project, "dvc", "repro"))
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, __file__, "--in-one-process", str(bare)],
            input="\n".join(commands(bare)),
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        without.append(time.perf_counter() - start)
    empty_pipeline(folder / "empty", len(commands(project)))
    for _ in range(5):
        nothing.append(run(project, "dvc", "repro"))
        empty.append(run(folder / "empty", "dvc", "repro"))
    missed = 0
    print(f"{'':18}{'Headrace':>10}{'beside':>10}{'ratio':>8}{'at most':>9}")
    for label, ours, theirs in (("whole pipelines", with_dvc, without), ("nothing to do", nothing, empty)):
        one, other = statistics.median(ours), statistics.median(theirs)
        missed |= one / other > TARGETS[label]
        print(f"{label:18}{one:>9.1f}s{other:>9.1f}s{one / other:>8.2f}{TARGETS[label]:>9.1f}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
