"""Whatever is killed, broken or run twice: a clear error or a correct result, never a half-written output taken for whole."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyarrow import csv
from small_project import Project

from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 4096
"""The least that a file takes on a tmpfs."""
ROOT = Path(__file__).resolve().parents[2]
STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
# The registry and the report say which run they describe: their files may differ where the run does.
SAME_BYTES = ("check", "ingest", "validate", "featurize", "train", "evaluate")

KILLER = """
import os, signal, sys

is_stage = any(a.startswith("stages.") for a in sys.orig_argv)
left = int(os.environ.get("HEADRACE_TEST_KILL", 0)) if is_stage else 0
stops = is_stage and "HEADRACE_TEST_STOP" in os.environ

def kill(event, names):
    global left, stops
    if stops and event in ("open", "os.mkdir") and ".writing" in str(names[0]):
        stops = False
        os.kill(os.getpid(), signal.SIGSTOP)
    if left and event == "os.rename":
        source, target = (os.fsdecode(name) for name in names[:2])
        is_output = os.path.abspath(target).startswith(os.getcwd())
        if is_output and (source.endswith(".writing") or target.endswith(".replaced")):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
"""
"""Stops a stage when it begins to write; or kills it right before its nth step of putting what it has written in place."""

pytestmark = pytest.mark.slow


def outputs(project: Project) -> dict[str, str]:
    """Return the digests that dvc.lock has for the outputs of the stages that are pure functions of their inputs."""
    stages = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return {
        out["path"]: out["md5"]
        for name, stage in stages.items()
        if name.partition("@")[0] in SAME_BYTES
        for out in stage["outs"]
    }


def start(project: Project, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start DVC in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project.root, env=project.env | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def wait_until_stopped(process: subprocess.Popen[str], stage: str) -> None:
    """Wait until a stage that DVC has started is stopped, as it begins to write."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                if f"stages.{stage}" in child.cmdline() and child.status() == psutil.STATUS_STOPPED:
                    return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    raise AssertionError(f"{stage} wrote nothing")


def command_of(project: Project, stage: str) -> list[str]:
    """Return what DVC runs for a stage."""
    locked = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return [sys.executable, *shlex.split(locked[stage]["cmd"])[1:]]


def contents(project: Project, stage: str) -> dict[str, dict[str, str] | None]:
    """Return the digests of the files of each output of a stage; None where the output is not there."""
    locked = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return {out["path"]: files_in(project.root / out["path"]) for out in locked[stage]["outs"]}


def files_in(path: Path) -> dict[str, str] | None:
    """Return the digests of the files of a folder, or of one file; None where it is not there."""
    if not path.exists():
        return None
    return {
        str(file): digest(file) for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_killed_is_made_good_by_the_next_repro(project: Project, stage: str, tmp_path: Path) -> None:
    """Kill -9 of the stage and of DVC amid the work, then of the stage before each step of putting outputs in place.

    Each time an output is there whole or not at all; `dvc repro` then leaves the same bytes as if nothing had happened.
    """
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    hook = os.pathsep.join([str(tmp_path), *filter(None, [project.env.get("PYTHONPATH")])])
    target = "train@fraud-lightgbm" if stage == "train" else f"{stage}@fraud"
    before, own = outputs(project), contents(project, target)
    command = command_of(project, target)
    with (project.root / "stages" / f"{stage}.py").open("a") as file:
        file.write("# edited\n")

    process = start(project, "repro", "--force", "--single-item", target, PYTHONPATH=hook, HEADRACE_TEST_STOP="1")
    wait_until_stopped(process, stage)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    seen = [contents(project, target)]
    for step in itertools.count(1):
        done = project.run(*command, check=False, PYTHONPATH=hook, HEADRACE_TEST_KILL=str(step))
        seen.append(contents(project, target))
        if done.returncode != -signal.SIGKILL:
            break
    assert done.returncode == 0, done.stderr
    assert step > 1
    last = project.run(*command, check=False, PYTHONPATH=hook, HEADRACE_TEST_KILL=str(step - 1))
    assert last.returncode == -signal.SIGKILL
    seen.append(contents(project, target))

    done = project.dvc("repro")
    assert outputs(project) == before, done.stdout
    assert "up to date" in project.dvc("status").stdout
    assert not [left for pattern in (".*.writing", ".*.replaced") for left in (project.root / "data").rglob(pattern)]
    final = contents(project, target)
    for found in seen:
        for path, files in found.items():
            assert files is None or files in (own[path], final[path]), f"{path}: neither the old nor the new one"


def test_two_repros_at_once_end_in_one_correct_result(project: Project) -> None:
    """The second one waits or is told who works; together they leave what one leaves."""
    before = outputs(project)
    project.edit("pipelines/fraud/pipeline.yaml", "false_positive_budget: 0.005", "false_positive_budget: 0.006")
    processes = [start(project, "repro") for _ in range(2)]
    said = [process.communicate(timeout=250)[0] for process in processes]
    assert any(process.returncode == 0 for process in processes), said
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0 or "lock" in text or "busy" in text, text
    project.dvc("repro")
    assert "up to date" in project.dvc("status").stdout
    project.edit("pipelines/fraud/pipeline.yaml", "false_positive_budget: 0.006", "false_positive_budget: 0.005")
    project.dvc("repro")
    assert outputs(project) == before


def test_a_corrupted_cache_file_is_noticed_and_computed_again(project: Project) -> None:
    """The features of a day are damaged in DVC's cache and lost in the workspace."""
    before = outputs(project)
    folder = project.root / "data" / "fraud" / "features"
    part = min(folder.glob("*.parquet"))
    size = part.stat().st_size
    cached = [
        file for file in (project.root / ".dvc" / "cache").rglob("*") if file.is_file() and file.stat().st_size == size
    ]
    same = [file for file in cached if file.read_bytes() == part.read_bytes()]
    assert same
    same[0].chmod(0o644)
    same[0].write_bytes(same[0].read_bytes()[:-1] + b"?")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    project.dvc("repro")
    assert outputs(project) == before
    assert "up to date" in project.dvc("status").stdout


def test_a_changed_model_file_is_refused_and_made_good(project: Project) -> None:
    """One byte of the winner's model differs: no stage uses it, and `dvc repro` makes it anew."""
    before = outputs(project)
    winner = project.root / "data" / "fraud" / "winner"
    model = next(file for file in winner.iterdir() if file.name.startswith("model."))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.chmod(0o644)
    model.write_bytes(bytes(content))
    done = project.stage("package", "fraud", check=False)
    assert done.returncode == 1
    assert model.name in done.stderr
    assert "Traceback" not in done.stderr
    project.dvc("repro")
    assert outputs(project) == before


def broken_line(table: pa.Table, path: Path) -> None:
    """Write a line that has a value too few."""
    csv.write_csv(table, path)
    lines = path.read_text().splitlines(keepends=True)
    lines[99] = lines[99].partition(",")[2]
    path.write_text("".join(lines))


def write(change: Callable[[pa.Table], pa.Table]) -> Callable[[pa.Table, Path], None]:
    """Return what writes a changed table."""
    return lambda table, path: csv.write_csv(change(table), path)


def replaced(table: pa.Table, name: str, value: str | None) -> pa.Table:
    """Return the table with one value all over a column."""
    values = pa.array([value] * table.num_rows, pa.string())
    return table.set_column(table.column_names.index(name), name, values)


FAULTS: dict[str, tuple[Callable[[pa.Table, Path], None], str, tuple[str, ...]]] = {
    "broken line": (broken_line, "ingest@churn", ("telco_churn.csv", "100")),
    "missing column": (write(lambda t: t.drop_columns("tenure")), "validate@churn", ("'tenure'", "schema.yaml")),
    "renamed column": (
        write(lambda t: t.rename_columns({"TotalCharges": "Total_Charges"})),
        "validate@churn",
        ("'TotalCharges'", "did you mean Total_Charges"),
    ),
    "another type": (write(lambda t: replaced(t, "tenure", "long")), "validate@churn", ("'tenure'", "another type")),
    "all null": (write(lambda t: replaced(t, "tenure", None)), "validate@churn", ("tenure", "null")),
    "one class": (write(lambda t: replaced(t, "Churn", "No")), "train@churn-lightgbm", ("Churn", "both classes")),
}


@pytest.mark.parametrize("names", [list(FAULTS)[::2], list(FAULTS)[1::2]])
def test_rows_that_are_wrong_are_said_in_a_line_and_mended_rows_make_it_good(
    project: Project, names: list[str]
) -> None:
    """`dvc repro` fails with the file or the column and what was found; the last good rows stand until then."""
    before = outputs(project)
    data = project.root / "data" / "churn"
    path = data / "source" / "telco_churn.csv"
    content = path.read_bytes()
    table = csv.read_csv(
        path, convert_options=csv.ConvertOptions(column_types=dict.fromkeys(columns_of(path), pa.string()))
    )
    validated = files_in(data / "validated")
    for name in names:
        change, stage, said = FAULTS[name]
        change(table, path)
        done = project.dvc("repro", stage, check=False)
        assert done.returncode != 0, name
        assert "Traceback" not in done.stderr, done.stderr
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert any(all(word in line for word in said) for line in errors), f"{name}: {done.stderr}"
        assert project.ran(done.stdout)[-1] == stage
        assert stage.startswith("train") or files_in(data / "validated") == validated
        assert not list(data.rglob(".*.writing"))
    path.write_bytes(content)
    project.dvc("repro")
    assert outputs(project) == before
    assert "up to date" in project.dvc("status").stdout


def columns_of(path: Path) -> list[str]:
    """Return the names in the first line of a CSV file."""
    with path.open() as file:
        return file.readline().strip().split(",")


def test_a_parquet_file_cut_short_is_said_in_a_line(project: Project) -> None:
    """A copy that was broken off: the stage names the file, and what stood there stands."""
    data = project.root / "data" / "churn"
    source = data / "source" / "telco_churn.parquet"
    pq.write_table(csv.read_csv(data / "source" / "telco_churn.csv"), source)
    source.write_bytes(source.read_bytes()[:-1000])
    project.edit("params.yaml", "source: csv", "source: parquet")
    project.edit("pipelines/churn/pipeline.yaml", "telco_churn.csv", "telco_churn.parquet")
    before = files_in(data / "raw")
    done = project.dvc("repro", "validate@churn", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("error:") and source.name in line]
    assert files_in(data / "raw") == before


def test_a_full_disk_leaves_what_was_there(finished: Path, tmp_path: Path) -> None:
    """No stage finds a free byte: each says so in a line, and every file stays what it was."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", small], check=False).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        shutil.copytree(finished.parent, small / "copy", symlinks=True, ignore=shutil.ignore_patterns("cache"))
        project = Project(small / "copy" / "project", small / "copy")
        project.edit("pipelines/fraud/pipeline.yaml", "  radius: 20", "  radius: 21")
        before = files_in(project.root / "data")
        with contextlib.suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(PAGE)):
                pass
        trained = ["train@fraud-logistic", "train@fraud-lightgbm", "train@fraud-xgboost"]
        for stage in [*(f"{stage}@fraud" for stage in STAGES if stage != "train"), *trained]:
            done = project.run(*command_of(project, stage), check=False)
            assert done.returncode == 1, f"{stage}: {done.stdout}{done.stderr}"
            said = [line for line in done.stderr.splitlines() if line.strip()]
            assert [line for line in said if line.startswith("error:") and "disk is full" in line], f"{stage}: {said}"
            assert "Traceback" not in done.stderr, done.stderr
            assert files_in(project.root / "data") == before, stage
            assert not [left for kind in ("writing", "replaced") for left in project.root.rglob(f".*.{kind}")], stage
    finally:
        subprocess.run(["umount", small], check=True)
