"""The same with an MLflow server: runs, files and the registry over HTTP."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from headrace.declaration.modelling import Tracking
from headrace.storage import digest


@pytest.fixture
def server(tmp_path, empty_mlflow):
    """Start `mlflow server` on the loopback interface; it goes away with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", str(folder / "files")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when a page answers."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)


@pytest.mark.slow
def test_a_server_keeps_it_all(place, server):
    """Champion, challenger and the comparison with downloaded files; a second sync brings nothing."""
    remote = dataclasses.replace(place, tracking=Tracking(uri=server))
    remote.judge("weak")
    assert remote.register()["decision"] == "first"
    remote.judge("good")
    better = remote.register()
    assert (better["decision"], better["version"], better["alias"]) == ("better", 2, "challenger")
    assert remote.sync() == []
    assert len(remote.runs()) == 2
    assert digest(remote.download("models:/cards@challenger")) == digest(remote.data / "winner")
    assert not (place.root / "mlruns").exists()
