"""Whatever is killed, broken or run twice: a clear error or a correct result, never a half-written output taken for whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

if TYPE_CHECKING:
    from small_project import Project

PAGE = 4096
"""What a file on a tmpfs takes is a whole number of these."""
ROOT = Path(__file__).resolve().parents[2]
STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
# The registry and the report say which run they describe: their files may differ where the run does.
SAME_BYTES = ("check", "ingest", "validate", "featurize", "train", "evaluate")

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


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Start DVC in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project.root, env=project.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def wait_for_stage(process: subprocess.Popen[str], stage: str) -> psutil.Process:
    """Return the Python process of a stage as soon as DVC has started it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                if f"stages.{stage}" in child.cmdline() and "python" in child.name():
                    return child
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    raise AssertionError(f"{stage} did not start")


@pytest.mark.parametrize("seconds", [0.7, 1.6])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_killed_is_made_good_by_the_next_repro(project: Project, stage: str, seconds: float) -> None:
    """Kill -9 of the stage and of DVC, then `dvc repro`: the same bytes as if nothing had happened."""
    before = outputs(project)
    with (project.root / "stages" / f"{stage}.py").open("a") as file:
        file.write("# edited\n")
    target = "train@fraud-lightgbm" if stage == "train" else f"{stage}@fraud"
    process = start(project, "repro", "--force", "--single-item", target)
    wait_for_stage(process, stage)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = project.dvc("repro")
    assert outputs(project) == before, done.stdout
    assert "up to date" in project.dvc("status").stdout
    assert not list((project.root / "data").rglob(".*.writing"))


def test_two_repros_at_once_end_in_one_correct_result(project: Project) -> None:
    """The second one waits or is told who works; together they leave what one leaves."""
    before = outputs(project)
    project.edit("pipelines/fraud/pipeline.yaml", "seed: 0", "seed: 1")
    processes = [start(project, "repro") for _ in range(2)]
    said = [process.communicate(timeout=250)[0] for process in processes]
    assert any(process.returncode == 0 for process in processes), said
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0 or "lock" in text or "busy" in text, text
    project.dvc("repro")
    assert "up to date" in project.dvc("status").stdout
    project.edit("pipelines/fraud/pipeline.yaml", "seed: 1", "seed: 0")
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


def test_a_label_of_one_class_is_said_so(fresh: Project) -> None:
    """Nobody learns from rows that are all the same."""
    table = fresh.root / "data" / "churn" / "source" / "telco_churn.csv"
    table.write_text(table.read_text().replace(",Yes\n", ",No\n").replace(",Yes\r\n", ",No\r\n"))
    done = fresh.dvc("repro", "train@churn-lightgbm", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert any("error:" in line and "Churn" in line for line in done.stderr.splitlines()), done.stderr
    assert not (fresh.root / "data" / "churn" / "candidates" / "churn-lightgbm").exists()


def test_a_full_disk_leaves_what_was_there(project: Project, tmp_path: Path) -> None:
    """The data lie on a small file system without room for a second copy."""
    data = project.root / "data"
    small = tmp_path / "small"
    small.mkdir()
    used = sum(-(-file.stat().st_size // PAGE) * PAGE for file in data.rglob("*") if file.is_file())
    size = used + 100 * PAGE
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], check=False).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        subprocess.run(["cp", "-a", f"{data}/.", small], check=True)
        subprocess.run(["rm", "-rf", data], check=True)
        data.symlink_to(small)
        before = {file: file.read_bytes() for file in small.rglob("*.parquet")}
        project.edit("pipelines/fraud/pipeline.yaml", "  radius: 20", "  radius: 21")
        done = project.stage("ingest", "fraud", "source=simulated_cards", "until=2018-06-10", check=False)
        assert done.returncode == 1
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert {file: file.read_bytes() for file in small.rglob("*.parquet")} == before
        assert not list(small.rglob(".*.writing"))
    finally:
        subprocess.run(["umount", small], check=True)
