"""`headrace warm` and `headrace lineage` in a small project that ran for real, registry and all."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.audit import audit_file

if TYPE_CHECKING:
    from pathlib import Path

    from small_project import Project

ANSWER = """
import asyncio, datetime as dt, sys
from pathlib import Path
import pyarrow.parquet as pq
from headrace.cli.settings import settings_of
from headrace.live import open_windows
from headrace.prediction_log import Entry, PredictionLog, read_keys
from headrace.service import package_folder, read_contents

settings, contents = settings_of("fraud"), read_contents(package_folder("fraud"))
row = pq.read_table(sorted(Path("data/fraud/validated").glob("*.parquet"))[-1]).to_pylist()[-1]
row = {name: row[name] for name in contents.request} | {"transaction_id": 2**40}
live = open_windows(settings.windows.url, contents)
features = dict(zip(live.names, live.ask(row, "[red]r-1"), strict=True))

async def answer():
    log = PredictionLog(settings.log.url, read_keys(settings.log.keys, settings.log.key_file), "fraud")
    await log.append(Entry(
        request_id="[red]r-1", time=dt.datetime.now(dt.UTC), subject=row["customer_id"], instance=row,
        features=features, prediction=0, score=0.25, decision="allow", rule=None, variant="champion",
        model_version=contents.version,
    ))
    log.close()

asyncio.run(answer())
"""


def headrace(project: Project, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project."""
    return project.run(sys.executable, "-m", "headrace", *arguments, check=False, HEADRACE_STATE=str(state))


@pytest.mark.slow
def test_an_answer_is_followed_back(project: Project, tmp_path: Path) -> None:
    """Two fill the windows at once, each with success; then the trace has every step, for people and for programs."""
    state = tmp_path / "state"
    command = [sys.executable, "-m", "headrace", "warm", "fraud"]
    environment = {**project.env, "HEADRACE_STATE": str(state)}
    at_once = [
        subprocess.Popen(command, cwd=project.root, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in at_once]
    assert [process.returncode for process in at_once] == [0, 0]
    assert any("rows of history in" in line for line in said)
    assert headrace(project, state, "warm", "fraud").stdout == "warm fraud: the windows have this history already\n"
    assert "nothing to fill" in headrace(project, state, "warm", "churn").stdout

    project.run(sys.executable, "-c", ANSWER, HEADRACE_STATE=str(state))
    done = headrace(project, state, "lineage", "fraud", "[red]r-1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["missing"]) == {"commit"}  # it ran before its first commit
    assert found["model"]["digest"].startswith(found["answer"]["model_version"])
    assert found["run"]["trained"]["rows"] > 0
    assert found["data"]["days"]
    assert {day["trained"] for day in found["data"]["days"]} == {True, False}
    windows = found["windows"]["windows"]
    assert len(windows) == 11
    assert not any(window["differs"] for window in windows)
    counted = next(window for window in windows if "customer_id_count_30d" in window["features"])
    assert len(counted["rows"]) == found["answer"]["features"]["customer_id_count_30d"]
    assert all(row["columns"] or row["answered"] for window in windows for row in window["rows"])

    done = headrace(project, state, "lineage", "fraud", "[red]r-1", "--rows", "1")
    assert done.returncode == 0
    assert done.stdout.startswith("Answer [red]r-1, given ")
    assert "MLflow run: " in done.stdout
    assert "earlier rows; --rows" in done.stdout

    done = headrace(project, state, "lineage", "fraud", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: request_id 'nope': no answer has it\n"
    lines = audit_file(state).read_text().splitlines()
    assert sum('"lineage"' in line for line in lines) == 3
