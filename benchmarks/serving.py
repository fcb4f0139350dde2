"""Headrace's service beside others of the same model: requests a second, latency at a rate, batches, start.

    python -m benchmarks.serving [--rounds 3] [--seconds 5] [--only closed open batch start] [--servers fastapi ...]

The model is the packaged LightGBM winner of the fraud pipeline. Each server has two workers, and shares two cores with
the process that loads it. The others get ready-made feature vectors and answer with a score. Headrace gets raw
transactions, whose time goes forward: it checks access, keeps windows and computes features from them, applies rules,
decides, and writes the prediction log before it answers. It is measured with each of the three left out, too.

`wrk` makes the closed loop (Debian: apt-get install wrk). MLServer gets a virtual environment of its own, as its
requirements are not ours. What cannot be installed or started is said, and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import http.client
import json
import math
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow.parquet as pq

from headrace.declaration.types import arrow_schema
from headrace.live import open_windows
from headrace.service import package_folder, read_contents
from headrace.service.contents import HISTORY, WINNER, Contents
from headrace.sources import SimulatedCards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[1]
HERE = ROOT / "benchmarks" / "servers"
PIPELINE = "fraud"
SERVICE = "headrace.service.entry:Service"
WORKERS = 2
CLIENTS = (16, 64)
RATE, LIMIT_MS, STEP = 1200, 50.0, 1.25
BATCH = 10_000
BESIDE = 100
"""Single requests a second while batches are answered."""
MOST_A_SECOND = 50_000
"""Rows that batches have at most."""
ROWS, FEATURE_ROWS = 50_000, 5_000
SECONDS_A_ROW = 9
"""As far apart as the simulated cards' transactions: windows hold as many rows as in training."""
SLOWEST_START = 120.0
LOOKS = 10
"""A server is ready when it says so over so many connections in a row: any of its workers may take one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""For the others: with LightGBM's own default two workers on two cores are slower."""
MLSERVER = ("mlserver", "mlserver-lightgbm", "uvloop<0.22")
"""Workers of MLServer 1.7 do not start with a later uvloop, which makes no event loop unasked."""
QUIET = 0.1
LONGEST = 160
"""How much is told of what a server says of its failure."""
TIMES_THE_FASTEST = 5.0


class CannotRunError(Exception):
    """A server that cannot be installed or started here, and why."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """How a server is started and asked. `{port}` and `{more}` stand for ports of this machine that are free."""

    name: str
    command: tuple[str, ...]
    rows: Path
    path: str
    ready: str
    environment: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    times: tuple[int, ...] = ()
    """The time of transaction 0, and the seconds from one to the next, where transactions are numbered."""
    settings: tuple[Path, dict[str, Any]] | None = None
    """A file that tells it its ports, and what is in it."""
    options: dict[str, Any] = field(default_factory=dict)


class Running:
    """A server that is ready, and whoever loads it, on the same cores.

    Args:
        server: How it is asked.
        port: Where.
        process: Its first process.
        cores: Where all of it runs.
        took: Seconds until it was ready.
    """

    numbered = 0
    """How many transactions were numbered so far: none is sent twice."""

    def __init__(self, server: Server, port: int, process: psutil.Popen, cores: Sequence[int], took: float) -> None:
        self.server, self.port, self.process, self.cores, self.took = server, port, process, cores, took

    @property
    def processes(self) -> list[psutil.Process]:
        """All of its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def closed_loop(self, clients: int, seconds: float) -> dict[str, float]:
        """Have `clients` ask one request after another.

        Returns:
            Requests a second, latencies in milliseconds, and for a request the microseconds of CPU of the server and
            of the load.
        """
        url = f"http://127.0.0.1:{self.port}{self.server.path}"
        wrk = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", str(HERE / "requests.lua")]
        before, load = self._cpu_seconds(), _ended_seconds()
        found = self._load([*wrk, url, "--"], seconds)
        load = _ended_seconds() - load
        self._count(found["requests"] + clients)
        if found["broken"]:
            raise CannotRunError(f"{found['broken']} requests had no answer")
        if found["refused"]:
            raise CannotRunError(f"{found['refused']} of {found['requests']} requests were refused")
        return {
            "rate": found["requests"] / found["microseconds"] * 1e6,
            **{name: found[name] / 1e3 for name in ("p50", "p99", "worst")},
            "cpu": sum(after - before.get(pid, 0.0) for pid, after in self._cpu_seconds().items())
            / max(1, found["requests"])
            * 1e6,
            "load": load / max(1, found["requests"]) * 1e6,
        }

    def open_loop(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send requests at a rate; return latencies in milliseconds, and shares of each core and process."""
        command = [sys.executable, str(HERE / "open_loop.py"), "--port", str(self.port), "--path", self.server.path]
        before, whole, begin = self._cpu_seconds(), _busy_seconds(self.cores), time.perf_counter()
        found = self._load([*command, "--rate", str(rate), "--seconds", str(seconds)], seconds)
        took, after = time.perf_counter() - begin, self._cpu_seconds()
        self._count(found["requests"])
        found["cores"] = [(end - start) / took for start, end in zip(whole, _busy_seconds(self.cores), strict=True)]
        found["processes"] = [(after[pid] - before[pid]) / took for pid in after if pid in before]
        found["generator"] = found.pop("cpu") / took
        return found

    def batches(self, rows: int, seconds: float) -> float:
        """Return the rows a second of one client that sends batches."""
        command = [sys.executable, str(HERE / "batches.py"), "--port", str(self.port), "--rows", str(rows)]
        found = self._load([*command, "--seconds", str(seconds)], seconds)
        self._count(found["rows"])
        return float(found["rows"] / found["seconds"])

    def beside_batches(self, rows: int, seconds: float) -> dict[str, Any]:
        """Return the latencies of single requests while one client sends batches."""
        with ThreadPoolExecutor(1) as other:
            sending = other.submit(self.batches, rows, seconds + 1)
            time.sleep(0.5)
            self._count(MOST_A_SECOND * (seconds + 1))  # the batches have the numbers before
            found = self.open_loop(BESIDE, seconds)
            sending.result()
        return found

    def first_answer(self) -> Any:
        """Return what is answered to one request."""
        row = self.server.rows.read_text().split("\n", 1)[0]
        if self.server.times:
            begin, step = self.server.times
            when = dt.datetime.fromtimestamp(begin + Running.numbered * step, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
            row = f'{{"instance":{{"transaction_id":{Running.numbered},"tx_datetime":"{when}",{row}'
            self._count(1)
        headers = {"Content-Type": "application/json"}
        if self.server.token:
            headers["Authorization"] = f"Bearer {self.server.token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", self.server.path, row, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != http.client.OK:
            raise CannotRunError(f"{self.server.path} answers {answer.status} {said[:300]!r}")
        return json.loads(said)

    def _load(self, command: list[str], seconds: float) -> dict[str, Any]:
        numbers = (Running.numbered, *self.server.times) if self.server.times else ()
        found = subprocess.run(
            [*_pinned(self.cores), *command, str(self.server.rows), *map(str, numbers)],
            env={**os.environ, **({"TOKEN": self.server.token} if self.server.token else {})},
            capture_output=True,
            text=True,
            timeout=seconds + 120,
            check=False,
        )
        if found.returncode:
            raise CannotRunError(f"{Path(command[0]).name}: {(found.stderr or found.stdout).strip()[-500:]}")
        return dict(json.loads(found.stdout.splitlines()[-1]))

    def _cpu_seconds(self) -> dict[int, float]:
        """Return what each of the server's processes has used, by its id."""
        return {process.pid: sum(process.cpu_times()[:2]) for process in self.processes}

    def _count(self, requests: float) -> None:
        Running.numbered += int(requests)


@contextlib.contextmanager
def running(server: Server, cores: Sequence[int], log: Path) -> Iterator[Running]:
    """Start a server, wait until it is ready, and end all of its processes at last.

    Raises:
        CannotRunError: It does not start.
    """
    port, *more = _free_ports(3)
    places = {"port": port, "more": more[0], "most": more[1]}
    if server.settings is not None:
        file, content = server.settings
        named = {key: places.get(value, value) if isinstance(value, str) else value for key, value in content.items()}
        file.write_text(json.dumps(named))
    command = [part.format(**places) if "{" in part else part for part in server.command]
    with log.open("ab") as output:
        begin = time.perf_counter()
        process = psutil.Popen(
            [*_pinned(cores), *command],
            cwd=ROOT,
            env={**os.environ, **server.environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while not all(_is_ready(port, server.ready) for _ in range(LOOKS)):
            if process.poll() is not None or time.perf_counter() - begin > SLOWEST_START:
                said = log.read_text(errors="replace").strip().split("\n")[-1]
                raise CannotRunError(f"does not start: {said[:LONGEST]}")
            time.sleep(0.01)
        yield Running(server, port, process, cores, time.perf_counter() - begin)
    finally:
        stop(process)


def stop(process: psutil.Popen) -> None:
    """End a process and all that it started, by their ids."""
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = [process, *process.children(recursive=True)]
        process.terminate()
        _, left = psutil.wait_procs(tree, timeout=10)
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=10)


def write_rows(contents: Contents, package: Path, folder: Path) -> tuple[dict[str, Path], int]:
    """Write what each kind of server is asked: a file of lines by kind; return the time of transaction 0, too.

    Raw transactions are those of the days after the history; ready-made vectors are the features of the first of them.
    """
    assert contents.history_until is not None
    day = contents.history_until.date() + dt.timedelta(days=1)
    schema = arrow_schema(contents.schema.columns)
    days = SimulatedCards().read(day, day + dt.timedelta(days=math.ceil(ROWS / 9_000)))
    rows = [
        {name: row[name] for name in contents.request}
        for table in days
        for row in table.select(schema.names).cast(schema).to_pylist()
    ][:ROWS]
    with tempfile.TemporaryDirectory() as state:
        live = open_windows(f"lmdb://{state}/windows.lmdb", contents)
        live.warm(pq.read_table(package / HISTORY), "history")
        asked = [dict(zip(live.names, live.ask(row), strict=True)) for row in rows[:FEATURE_ROWS]]
        live.close()
    names = [feature["name"] for feature in json.loads((package / WINNER / "manifest.json").read_text())["features"]]
    vectors = [
        [None if (value := row[name]) is None or math.isnan(value) else value for name in names] for row in asked
    ]
    kinds = {
        "raw": [
            f'"customer_id":{row["customer_id"]},"terminal_id":{row["terminal_id"]},"tx_amount":{row["tx_amount"]}}}}}'
            for row in rows
        ],
        "fields": [json.dumps(dict(zip(names, vector, strict=True))) for vector in vectors],
        "bentoml": [json.dumps({"features": dict(zip(names, vector, strict=True))}) for vector in vectors],
        "mlflow": [json.dumps({"inputs": [vector]}) for vector in vectors],
        "mlserver": [
            json.dumps({"inputs": [{"name": "x", "shape": [1, len(names)], "datatype": "FP64", "data": vector}]})
            for vector in vectors
        ],
    }
    files = {kind: folder / f"{kind}.txt" for kind in kinds}
    for kind, lines in kinds.items():
        files[kind].write_text("\n".join(lines))
    return files, int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def fastapi(model: Path, rows: dict[str, Path], _: Path) -> Server:
    """Return the service that most people write."""
    return Server(
        name="FastAPI, pydantic, LGBMClassifier",
        command=(
            *_program("uvicorn", "--app-dir", str(HERE), "fastapi_service:app", "--port", "{port}"),
            *("--workers", str(WORKERS), "--log-level", "warning"),
        ),
        environment={"MODEL_FILE": str(model), **ONE_THREAD},
        rows=rows["fields"],
        path="/predict",
        ready="/ready",
    )


def plain_bentoml(model: Path, rows: dict[str, Path], _: Path) -> Server:
    """Return BentoML's service as its tutorial has it."""
    return Server(
        name="BentoML, pydantic",
        command=_program(
            "bentoml", "serve", "bentoml_service:Plain", "--working-dir", str(HERE), "--port", "{port}", "--quiet"
        ),
        environment={
            "MODEL_FILE": str(model),
            "WORKERS": str(WORKERS),
            "BENTOML_DO_NOT_TRACK": "True",
            **ONE_THREAD,
        },
        rows=rows["bentoml"],
        path="/predict",
        ready="/readyz",
    )


def mlflow(model: Path, rows: dict[str, Path], folder: Path) -> Server:
    """Return `mlflow models serve`."""
    saved = folder / "mlflow"
    if not saved.exists():
        subprocess.run(
            [sys.executable, HERE / "log_to_mlflow.py", model, saved], cwd=folder, check=True, capture_output=True
        )
    return Server(
        name="mlflow models serve",
        command=_program(
            *("mlflow", "models", "serve", "-m", str(saved), "-p", "{port}", "-w", str(WORKERS)),
            *("--env-manager", "local"),
        ),
        environment=ONE_THREAD,
        rows=rows["mlflow"],
        path="/invocations",
        ready="/ping",
    )


def mlserver(model: Path, rows: dict[str, Path], folder: Path) -> Server:
    """Return `mlserver start`, in an environment of its own.

    Raises:
        CannotRunError: It cannot be installed.
    """
    environment = Path.home() / ".cache" / "headrace-bench" / "mlserver"
    if not (environment / "bin" / "mlserver").exists():
        uv = [sys.executable, "-m", "uv"]
        for command in (
            [*uv, "venv", "--clear", str(environment), "--python", sys.executable],
            [*uv, "pip", "install", "--python", str(environment / "bin" / "python"), *MLSERVER],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise CannotRunError(f"cannot be installed: {done.stderr.strip()[-300:]}")
    served = folder / "mlserver"
    served.mkdir(exist_ok=True)
    shutil.copy(model, served / "model.txt")
    described = {
        "name": PIPELINE,
        "implementation": "mlserver_lightgbm.LightGBMModel",
        "parameters": {"uri": "./model.txt"},
    }
    (served / "model-settings.json").write_text(json.dumps(described))
    return Server(
        name="mlserver start",
        command=(str(environment / "bin" / "mlserver"), "start", str(served)),
        settings=(
            served / "settings.json",
            {
                "host": "127.0.0.1",
                "parallel_workers": WORKERS,
                "http_port": "port",
                "grpc_port": "more",
                "metrics_port": "most",
                "debug": False,
            },
        ),
        environment={**ONE_THREAD, "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"},
        rows=rows["mlserver"],
        path=f"/v2/models/{PIPELINE}/infer",
        ready=f"/v2/models/{PIPELINE}/ready",
    )


def headrace(rows: Path, begin: int, state: Path) -> Server:
    """Return Headrace's service with log, windows and access checks, and a state folder of its own."""
    state.mkdir()
    environment = {
        "HEADRACE_STATE": str(state),
        "HEADRACE_WORKERS": str(WORKERS),
        "HEADRACE_ACCESS__ENABLED": "true",
    }
    made = subprocess.run(
        [
            *(sys.executable, "-m", "headrace", "token", "create", PIPELINE, "bench"),
            *("--scope", "predict", "--rate", "1000000"),
        ],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise CannotRunError(f"no token: {made.stderr.strip()[-500:]}")
    return Server(
        name="Headrace",
        command=_program(
            *("bentoml", "serve", SERVICE, "--arg", f"pipeline={PIPELINE}"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        environment=environment,
        token=made.stdout.split()[-1],
        rows=rows,
        path="/predict",
        ready="/readyz",
        times=(begin, SECONDS_A_ROW),
    )


def warmed(server: Server) -> Server:
    """Fill the windows of Headrace's service before it starts, as `headrace warm` does, and return it."""
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "warm", PIPELINE],
        cwd=ROOT,
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRunError(f"windows cannot be filled: {done.stderr.strip()[-500:]}")
    return server


def without(server: Server, part: str) -> Server:
    """Return Headrace's service with a part of its work left out."""
    name = f"Headrace without {part}"
    if part == "access":
        return replace(server, name=name, environment={**server.environment, "HEADRACE_ACCESS__ENABLED": "false"})
    service = f"benchmarks.servers.without_{part}:Service"
    return replace(server, name=name, command=tuple(service if word == SERVICE else word for word in server.command))


def probability_in(answer: Any) -> float:
    """Return the score in whatever a server answers."""
    if "outputs" in answer:
        return float(answer["outputs"][0]["data"][0])
    return float(answer["predictions"][0] if "predictions" in answer else answer["probability"])


class Comparison:
    """Measures servers and prints what it finds.

    Args:
        servers: By short name; those of the others first.
        others: The short names of those that Headrace is compared with.
        options: The command line's.
        folder: For logs.
    """

    def __init__(self, servers: dict[str, Server], options: argparse.Namespace, folder: Path) -> None:
        self.servers, self.folder = servers, folder
        self.rounds, self.seconds, self.cores = options.rounds, options.seconds, options.cores
        self.failed: dict[str, str] = {}

    @contextlib.contextmanager
    def _running(self, short: str) -> Iterator[Running]:
        server = self.servers[short]
        with running(server, self.cores, self.folder / f"{short}.log") as found:
            yield found

    def closed(self) -> None:
        """Print requests a second, by clients."""
        found: dict[str, dict[int, list[dict[str, float]]]] = {short: defaultdict(list) for short in self.servers}
        starts: dict[str, list[float]] = defaultdict(list)
        scores: dict[str, float] = {}
        for number in range(self.rounds):
            for short in self.servers:
                if short in self.failed:
                    continue
                _note(f"closed loop, round {number + 1} of {self.rounds}: {self.servers[short].name}")
                try:
                    with self._running(short) as server:
                        scores[short] = probability_in(server.first_answer())
                        starts[short].append(server.took)
                        server.closed_loop(CLIENTS[0], 2)
                        for clients in CLIENTS:
                            found[short][clients].append(server.closed_loop(clients, self.seconds))
                except CannotRunError as error:
                    self.failed[short] = str(error)
        self._print_closed(found, starts)
        ready_made = {scores[short] for short in scores if not self.servers[short].times}
        if ready_made and max(ready_made) - min(ready_made) > 1e-9:
            print(f"NOT THE SAME MODEL: the others' scores of one row differ: {sorted(ready_made)}")

    def _print_closed(
        self, found: dict[str, dict[int, list[dict[str, float]]]], starts: dict[str, list[float]]
    ) -> None:
        def median(short: str, clients: int, name: str) -> float:
            return statistics.median(each[name] for each in found[short][clients])

        whole = [short for short in self.servers if short not in self.failed]
        others = [short for short in whole if not self.servers[short].times]
        fastest = {clients: max((median(each, clients, "rate") for each in others), default=0) for clients in CLIENTS}
        heads = "".join(
            f"{f'{clients} clients':>12}{'times':>7}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>8}" for clients in CLIENTS
        )
        print("\nClosed loop: requests a second, how many times those of the fastest of the others, CPU of the server")
        print(f"\n{'':34}{heads}")
        for short in self.servers:
            if short in self.failed:
                print(f"{self.servers[short].name:34}   {self.failed[short]}")
                continue
            line = f"{self.servers[short].name:34}"
            for clients in CLIENTS:
                rate = median(short, clients, "rate")
                times = f"{rate / fastest[clients]:.2f}" if fastest[clients] else "-"
                line += f"{rate:12,.0f}{times:>7}"
                line += "".join(f"{median(short, clients, name):9.1f}" for name in ("p50", "p99"))
                line += f"{median(short, clients, 'cpu'):8.0f}"
            print(line)
        if "headrace" in whole and others:
            times = min(median("headrace", clients, "rate") / fastest[clients] for clients in CLIENTS)
            print(f"\nwanted: {TIMES_THE_FASTEST:g} times the fastest; found: {times:.2f} times")
        self._print_by_cpu(whole, others, median)
        for short in whole:
            part = self.servers[short].name.removeprefix("Headrace without ")
            if short.startswith("without") and "headrace" in whole:
                costs = [median("headrace", each, "cpu") - median(short, each, "cpu") for each in CLIENTS]
                shown = ", ".join(f"{cost:.0f} us ({each} clients)" for cost, each in zip(costs, CLIENTS, strict=True))
                print(f"{part} costs a request, of CPU: {shown}")
        print(f"\n{'Start to ready, seconds':34}{'median':>9}{'worst':>9}")
        for short, took in starts.items():
            print(f"{self.servers[short].name:34}{statistics.median(took):9.2f}{max(took):9.2f}")

    def _print_by_cpu(self, whole: list[str], others: list[str], median: Callable[[str, int, str], float]) -> None:
        """Print what the cores could do if nobody else used them: a busy machine says that better than a rate."""

        def rate(short: str, clients: int) -> float:
            return len(self.cores) * 1e6 / (median(short, clients, "cpu") + median(short, clients, "load"))

        print(f"\nBy the CPU of server and load {len(self.cores)} cores could do, requests a second")
        print(f"\n{'':34}" + "".join(f"{f'{clients} clients':>12}{'times':>7}{'load us':>9}" for clients in CLIENTS))
        for short in whole:
            line = f"{self.servers[short].name:34}"
            for clients in CLIENTS:
                fastest = max((rate(each, clients) for each in others), default=math.nan)
                line += f"{rate(short, clients):12,.0f}{rate(short, clients) / fastest:7.2f}"
                line += f"{median(short, clients, 'load'):9.0f}"
            print(line)

    def open(self) -> None:
        """Print latencies at the wanted rate, and the rate that is held."""
        print(f"\nOpen loop at {RATE:,} requests a second; latencies from when a request was due, in milliseconds\n")
        print(f"{'':34}{'p50':>9}{'p95':>9}{'p99':>9}{'worst':>9}{'failed':>9}")
        for short, server in self.servers.items():
            if short in self.failed or short.startswith("without"):
                continue
            try:
                with self._running(short) as found:
                    found.closed_loop(CLIENTS[0], 2)
                    self._print_open(server.name, found)
            except CannotRunError as error:
                print(f"{server.name:34} {error}")

    def _print_open(self, name: str, server: Running) -> None:
        rounds = [server.open_loop(RATE, max(20.0, self.seconds)) for _ in range(self.rounds)]
        middle = sorted(rounds, key=lambda each: each["p99"])[len(rounds) // 2]
        print(_latencies(name, middle))
        shares = ", ".join(f"core {core} {share:.0%}" for core, share in zip(self.cores, middle["cores"], strict=True))
        of_processes = ", ".join(f"{share:.0%}" for share in sorted(middle["processes"], reverse=True))
        foreign = sum(middle["cores"]) - sum(middle["processes"]) - middle["generator"]
        print(
            f"    busy: {shares}; of a core: service's processes {of_processes}, load {middle['generator']:.0%}, "
            f"kernel's own and strangers {max(0.0, foreign):.0%}"
        )
        rate, held = float(RATE), None
        while _holds(found := middle if held is None else server.open_loop(rate, 10)):
            held = rate
            rate = round(rate * STEP, -2)
        if held:
            print(
                f"    holds {held:,.0f} a second with p99 < {LIMIT_MS:g} ms; at {rate:,.0f}: p99 {found['p99']:.0f} ms"
            )
        else:
            print(f"    does not hold {RATE:,} a second with p99 < {LIMIT_MS:g} ms")

    def batch(self) -> None:
        """Print rows a second of batches, and of single requests."""
        with self._running("headrace") as server:
            server.closed_loop(CLIENTS[0], 2)
            single, many, batches = (
                statistics.median(measure() for _ in range(self.rounds))
                for measure in (
                    lambda: server.closed_loop(1, self.seconds)["rate"],
                    lambda: server.closed_loop(CLIENTS[0], self.seconds)["rate"],
                    lambda: server.batches(BATCH, self.seconds),
                )
            )
            beside = server.beside_batches(BATCH, self.seconds)
        print(f"\nRows a second, one client\n\n{f'batches of {BATCH:,} rows':34}{batches:12,.0f}")
        print(f"{'single requests':34}{single:12,.0f}   batches are {batches / single:.1f} times as fast; wanted: 50")
        print(f"{f'single requests, {CLIENTS[0]} clients':34}{many:12,.0f}   {batches / many:.1f} times")
        print(
            f"single requests at {BESIDE} a second while batches are answered: p50 {beside['p50']:.1f} ms, "
            f"p99 {beside['p99']:.1f} ms, worst {beside['worst']:.1f} ms; {beside['failed']} failed"
        )

    def start(self, cold: Sequence[Server]) -> None:
        """Print the seconds from start to ready, on stores that are cold, then warm."""
        took: dict[str, list[float]] = defaultdict(list)
        for number, server in enumerate(cold):
            for store in ("cold", "warm"):
                with running(server, self.cores, self.folder / f"start-{number}.log") as found:
                    took[store].append(found.took)
        print(f"\n{'Start to ready, seconds':34}{'median':>9}{'worst':>9}")
        for store, seconds in took.items():
            wanted = "   wanted: 5" if store == "warm" else ""
            print(f"{f'Headrace, {store} store':34}{statistics.median(seconds):9.2f}{max(seconds):9.2f}{wanted}")


def _latencies(name: str, found: dict[str, Any]) -> str:
    columns = "".join(f"{found[each]:9.1f}" for each in ("p50", "p95", "p99", "worst"))
    return f"{name:34}{columns}{found['failed']:9,}"


def _holds(found: dict[str, Any]) -> bool:
    return found["p99"] < LIMIT_MS and not found["failed"]


def _busy_seconds(cores: Sequence[int]) -> list[float]:
    """Return how long each core was busy since the machine started."""
    every = psutil.cpu_times(percpu=True)
    return [sum(every[core]) - every[core].idle - every[core].iowait for core in cores]


def _ended_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def warn_if_busy(cores: Sequence[int]) -> None:
    """Say it where others use the cores: what is measured then is less than what the servers can do."""
    shares = [share / 100 for core, share in enumerate(psutil.cpu_percent(1, percpu=True)) if core in cores]
    if max(shares) > QUIET:
        said = ", ".join(f"{share:.0%}" for share in shares)
        print(f"OTHERS ARE AT WORK on these cores ({said} busy before the start): figures will be too low")


def _pinned(cores: Sequence[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores))]


def _program(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of a program of this Python's environment."""
    return (str(Path(sys.executable).with_name(name)), *arguments)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _is_ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of a measurement")
    parser.add_argument("--only", nargs="+", choices=("closed", "open", "batch", "start"), help="parts; all otherwise")
    shorts = (
        "fastapi",
        "mlflow",
        "mlserver",
        "bentoml",
        "headrace",
        "without_log",
        "without_windows",
        "without_access",
    )
    parser.add_argument("--servers", nargs="+", choices=shorts, default=shorts)
    parser.add_argument("--cores", type=int, nargs="+", default=sorted(os.sched_getaffinity(0))[:2])
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is missing; install it, on Debian: apt-get install wrk")
    return options


def main() -> None:
    """Measure all."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs is stopped then, too
    os.chdir(ROOT)
    package = package_folder(PIPELINE)
    contents = read_contents(package)
    model = (package / WINNER / "model.txt").resolve()
    with tempfile.TemporaryDirectory(prefix="headrace-serving-") as name:
        folder = Path(name)
        rows, begin = write_rows(contents, package, folder)
        servers, failed = {}, {}
        for make in (fastapi, mlflow, mlserver, plain_bentoml):
            short = make.__name__.removeprefix("plain_")
            if short in options.servers:
                try:
                    servers[short] = make(model, rows, folder)
                except CannotRunError as error:
                    failed[short] = str(error)
        own = warmed(headrace(rows["raw"], begin, folder / "state"))
        every = {"headrace": own, **{f"without_{part}": without(own, part) for part in ("log", "windows", "access")}}
        servers |= {short: server for short, server in every.items() if short in options.servers}
        warn_if_busy(options.cores)
        print(f"Model {contents.version}; cores {options.cores} for service and load; {WORKERS} workers")
        for short, error in failed.items():
            print(f"{short}: {error}")
        parts = options.only or ("closed", "open", "batch", "start")
        comparison = Comparison(servers, options, folder)
        if "closed" in parts:
            comparison.closed()
        if "open" in parts:
            comparison.open()
        if "batch" in parts:
            comparison.batch()
        if "start" in parts:
            cold = [headrace(rows["raw"], begin, folder / f"cold-{number}") for number in range(options.rounds)]
            comparison.start(cold)


if __name__ == "__main__":
    main()
