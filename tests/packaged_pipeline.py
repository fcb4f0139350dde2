"""Two small pipelines with winners, made by the library's own pieces, in a folder that is set up as the repository is."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from headrace.declaration.features import Features, Window
from headrace.declaration.modelling import LabelDelay, Model, Objective, RowSplit, Split, Target
from headrace.declaration.pipeline import FeaturizeConfig, PackageConfig, TrainConfig
from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.types import arrow_schema
from headrace.features import featurize
from headrace.training import train

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
FIRST_DAY = dt.date(2024, 3, 1)
DAYS, ROWS_A_DAY = 12, 40

CARDS = PackageConfig(
    pipeline="cards",
    target=Target(column="fraud", positive=1, delay="2d"),
    schema=TypedRows(
        key="id",
        timestamp="paid at",
        columns={
            "id": Column(type="integer", minimum=0),
            "paid at": Column(type="timestamp", description="When it was paid."),
            "card": Column(type="integer"),
            "amount paid": Column(type="decimal(10,2)", minimum=0, maximum=5000, description="In euros"),
            "kind": Column(type="category", values=["chip", "web"]),
            "country": Column(type="category", nullable=True),
            "abroad": Column(type="boolean"),
            "risk": Column(type="float", minimum=-1, maximum=1, nullable=True),
            "born": Column(type="date", nullable=True),
            "code": Column(type="string", pattern="[A-Z]{2}[0-9]+"),
            "tries": Column(type="integer", values=[1, 2, 3], nullable=True),
            "fraud": Column(type="integer", values=[0, 1]),
            "scenario": Column(type="integer"),
        },
    ),
    features=Features(
        columns=["amount paid", "kind", "country", "abroad", "risk", "tries"],
        expressions={
            "night": 'hour("paid at") < 6',
            "age": "date_diff('year', born, \"paid at\")",
            "shop": "code[:2]",
            "place": "CAST(code[3:] AS INTEGER)",
        },
        windows={
            "card": Window(spans=["1d", "3d"], aggregates={"count": "count(*)", "mean": 'avg("amount paid")'}),
            "shop_risk": Window(entity="code", spans=["4d"], delay="2d", aggregates={"risk": "avg(fraud)"}),
        },
        ratios={"amount_to_mean": "amount paid / card_mean_3d"},
    ),
)
CUSTOMERS = PackageConfig(
    pipeline="customers",
    target=Target(column="left", positive="Yes", delay="0s"),
    schema=TypedRows(
        key="id",
        timestamp=None,
        columns={
            "id": Column(type="string"),
            "months": Column(type="integer", minimum=0),
            "contract": Column(type="category", values=["long", "short"]),
            "left": Column(type="category", values=["No", "Yes"]),
        },
    ),
    features=Features(columns=["months", "contract"]),
)


def card_rows(seed: int = 0) -> list[dict[str, Any]]:
    """Return payments in order of time; a high amount on the web tends to be a fraud."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(DAYS * ROWS_A_DAY):
        day, second = divmod(number, ROWS_A_DAY)
        web, amount = bool(draw.random() < 0.5), round(float(draw.gamma(2, 40)), 2)
        fraud = int(draw.random() < (0.7 if web and amount > 90 else 0.05))
        rows.append(
            {
                "id": number,
                "paid at": dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(days=day, seconds=second * 2000),
                "card": int(draw.integers(0, 12)),
                "amount paid": decimal.Decimal(str(amount)),
                "kind": "web" if web else "chip",
                "country": [None, "FR", "JP"][int(draw.integers(0, 3))],
                "abroad": bool(draw.random() < 0.2),
                "risk": None if draw.random() < 0.1 else float(draw.uniform(-1, 1)),
                "born": None if draw.random() < 0.1 else dt.date(1950 + int(draw.integers(0, 50)), 5, 17),
                "code": f"{'AB'[int(draw.integers(0, 2))]}C{int(draw.integers(0, 5))}",
                "tries": [None, 1, 2, 3][int(draw.integers(0, 4))],
                "fraud": fraud,
                "scenario": fraud * 2,
            }
        )
    return rows


def customer_rows(seed: int = 0) -> list[dict[str, Any]]:
    """Return customers, of whom those on short contracts tend to leave."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(400):
        short = bool(draw.random() < 0.5)
        left = draw.random() < (0.6 if short else 0.1)
        contract = "short" if short else "long"
        months = int(draw.integers(0, 72))
        rows.append({"id": f"c{number}", "months": months, "contract": contract, "left": "Yes" if left else "No"})
    return rows


def write_validated(folder: Path, config: PackageConfig, rows: list[dict[str, Any]]) -> None:
    """Write rows as the validate stage does."""
    folder.mkdir(parents=True)
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        timestamp = config.schema.timestamp
        parts.setdefault(row[timestamp].date().isoformat() if timestamp else "all", []).append(row)
    for part, of_part in parts.items():
        table = pa.Table.from_pylist(of_part, schema=arrow_schema(config.schema.columns))
        pq.write_table(table, folder / f"{part}.parquet")


def write_winner(data: Path, config: PackageConfig, model: Model) -> None:
    """Compute features, train, and write `winner/` and `registration.json`."""
    featurize_config = FeaturizeConfig(
        pipeline=config.pipeline, target=config.target, schema=config.schema, features=config.features
    )
    featurize(data / "validated", data / "features", featurize_config)
    train_config = TrainConfig(
        pipeline=config.pipeline,
        candidate=f"{config.pipeline}-first",
        target=LabelDelay(delay=config.target.delay),
        split=Split(rows=RowSplit(test_share=0.2, folds=2)),
        seed=0,
        evaluation=Objective(metric="roc_auc"),
        model=model,
    )
    train(data / "features", data / "winner", train_config, train_config.candidate)
    (data / "winner" / "validation.parquet").unlink()
    manifest = json.loads((data / "winner" / "manifest.json").read_text())
    (data / "winner" / "manifest.json").write_text(json.dumps({**manifest, "threshold": 0.3}, indent=1))
    registration = {"decision": "first", "model_name": config.pipeline, "version": "1"}
    (data / "registration.json").write_text(json.dumps(registration))


def write_root(root: Path) -> None:
    """Write what a Bento is built from into a folder, with the winners of both pipelines."""
    root.mkdir(parents=True)
    shutil.copytree(ROOT / "headrace", root / "headrace", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bentofile.yaml", "requirements.serve.lock"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "params.yaml").write_text("pipelines:\n  cards: {}\n  customers: {}\n")
    write_validated(root / "data/cards/validated", CARDS, card_rows())
    small = {"n_estimators": 20, "num_leaves": 7, "min_child_samples": 5}
    write_winner(root / "data/cards", CARDS, Model(_target_="lightgbm.LGBMClassifier", params=small))
    write_validated(root / "data/customers/validated", CUSTOMERS, customer_rows())
    logistic = Model(_target_="sklearn.linear_model.LogisticRegression", prepare="encode")
    write_winner(root / "data/customers", CUSTOMERS, logistic)


PACK = """
import sys
from pathlib import Path
from headrace.packaging import package
from packaged_pipeline import CARDS, CUSTOMERS
for config in (CARDS, CUSTOMERS):
    if config.pipeline in sys.argv[1:]:
        print(package(Path(), Path("data", config.pipeline), config).tag)
"""


def pack(root: Path, home: Path, *pipelines: str) -> list[str]:
    """Package pipelines as the package stage does, into a store of their own; return the tags."""
    done = run(root, home, sys.executable, "-c", PACK, *pipelines, PYTHONPATH=str(ROOT / "tests"))
    return done.stdout.split()


def run(folder: Path, home: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does whose Bentos are in a folder of their own."""
    env = {**environment(home), **variables}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


@dataclass(frozen=True)
class Place:
    """A folder set up as the repository is, its packages, and the store that its Bentos are in."""

    root: Path
    home: Path
    tags: tuple[str, ...]

    def bento(self, pipeline: str) -> Path:
        """Return the folder of a pipeline's Bento in the store."""
        tag = next(tag for tag in self.tags if tag.startswith(pipeline))
        return self.home.joinpath("bentos", *tag.split(":"))


def make_place(folder: Path) -> Place:
    """Return a place with both pipelines packaged; it is made once, whoever asks first."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        tags = folder / "tags"
        if not tags.exists():
            shutil.rmtree(folder / "root", ignore_errors=True)
            write_root(folder / "root")
            tags.write_text("\n".join(pack(folder / "root", folder / "home", "cards", "customers")))
        return Place(folder / "root", folder / "home", tuple(tags.read_text().split()))


def copy_place(place: Place, folder: Path) -> Place:
    """Return a copy of a place, to change at will."""
    shutil.copytree(place.root, folder / "root")
    shutil.copytree(place.home, folder / "home")
    return Place(folder / "root", folder / "home", place.tags)


@dataclass
class Server:
    """A running `bentoml serve`, as a user starts it."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    state: Path
    started: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float = 120) -> float:
        """Wait until it is ready; return how many seconds that took."""
        while time.monotonic() - self.started < seconds:
            if self.process.poll() is not None:
                break
            try:
                if self.call("/readyz")[0] == 200:
                    return time.monotonic() - self.started
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.log.read_text()}")

    def call(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Ask, and return the status and what the answer's JSON says."""
        told = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = Request(f"http://127.0.0.1:{self.port}{path}", body, told)
        try:
            with urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text.strip() else None

    def post(self, path: str, content: Any, **headers: str) -> tuple[int, Any]:
        """Send something as JSON."""
        return self.call(path, json.dumps(content, default=_plain).encode(), **headers)

    def predict(self, **instance: Any) -> tuple[int, Any]:
        """Ask for the prediction of one row."""
        return self.post("/predict", {"instance": instance})

    def metric(self, name: str) -> float:
        """Return a metric, by its name with its labels as Prometheus writes them."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))

    def stop(self) -> None:
        """End it, as Ctrl+C does."""
        self.process.terminate()
        self.process.wait(30)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user whose Bentos are in a folder of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # With this BentoML would log what it tells its makers, and not send it; without BENTOML_DO_NOT_TRACK it would tell.
    told = {"__BENTOML_DEBUG_USAGE": "True"}
    kept.pop("BENTOML_DO_NOT_TRACK", None)
    return {**kept, **told, "PATH": path, "BENTOML_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def start(folder: Path, home: Path, *arguments: str, python: str = sys.executable, **variables: str) -> Server:
    """Start `bentoml serve` in a folder, on a free port, with one worker and a state of its own unless told otherwise."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / f"serve-{port}.log"
    home.mkdir(parents=True, exist_ok=True)
    command = [python, "-m", "bentoml", "serve", *arguments, "--host", "127.0.0.1", "--port", str(port)]
    told = {"HEADRACE_STATE": str(home / f"state-{port}"), "HEADRACE_WORKERS": "1", **variables}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment(home) | told, stdout=output, stderr=output)
    return Server(process, port, log, Path(told["HEADRACE_STATE"]))


def _plain(value: Any) -> Any:
    """Return a value as a client's JSON has it."""
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


def serving(*servers: Server) -> Iterator[tuple[Server, ...]]:
    """Yield servers that are ready, and stop them afterwards."""
    try:
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.stop()
