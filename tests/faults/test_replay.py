"""Days of transactions through the service, in order: what the model saw is what the featurize stage computes."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from clients import OK, Client, sqlite_log, workers_of
from packaged_pipeline import ROOT, Server, start, write_validated, write_winner

from headrace.config import compose
from headrace.declaration.durations import microseconds
from headrace.declaration.features import feature_names
from headrace.declaration.modelling import Model
from headrace.declaration.pipeline import FeaturizeConfig, PackageConfig
from headrace.declaration.types import arrow_schema
from headrace.features import featurize
from headrace.packaging.contents import write_contents
from headrace.prediction_log import open_store, read_keys
from headrace.prediction_log.exporting import export
from headrace.service import package_folder, read_contents
from headrace.sources import SimulatedCards

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = dt.date(2018, 4, 1)
HISTORY, REPLAYED = 100, 10
"""Days: a label is known after seven of them, so that those of the first three come while the last three are replayed."""
CUSTOMERS, TERMINALS = 300, 400
RESTARTS = (0.5, 0.85)
"""After these shares of the rows; the second while labels come."""
LARGEST = 1e-9

pytestmark = [pytest.mark.slow, pytest.mark.timeout(290)]


@pytest.fixture(scope="module")
def config() -> PackageConfig:
    """Return the declaration of pipelines/fraud."""
    return compose(ROOT / "pipelines/fraud", ["source=simulated_cards"], PackageConfig)[0]


@pytest.fixture(scope="module")
def rows(config: PackageConfig) -> list[dict[str, Any]]:
    """Return the transactions of all days, in order of time."""
    source = SimulatedCards(customers=CUSTOMERS, terminals=TERMINALS, radius=15.0, start=FIRST.isoformat(), seed=3)
    until = FIRST + dt.timedelta(days=HISTORY + REPLAYED)
    table = pa.concat_tables(source.read(FIRST, until))
    amount = pc.round(table["tx_amount"], 2).cast(pa.decimal128(12, 2))
    table = table.set_column(table.schema.get_field_index("tx_amount"), "tx_amount", amount)
    found = table.cast(arrow_schema(config.schema.columns)).to_pylist()
    return sorted(found, key=lambda row: (row["tx_datetime"], row["transaction_id"]))


def split(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the history and what is replayed."""
    begin = dt.datetime.combine(FIRST + dt.timedelta(days=HISTORY), dt.time())
    return [row for row in rows if row["tx_datetime"] < begin], [row for row in rows if row["tx_datetime"] >= begin]


def features_of(rows: list[dict[str, Any]], config: PackageConfig, folder: Path) -> dict[int, dict[str, Any]]:
    """Return what the featurize stage computes of each row, by its key."""
    write_validated(folder / "validated", config, rows)
    told = FeaturizeConfig(
        pipeline=config.pipeline, target=config.target, schema=config.schema, features=config.features
    )
    featurize(folder / "validated", folder / "features", told)
    names = [config.schema.key, *feature_names(config.features)]
    return {
        row[config.schema.key]: row
        for file in sorted((folder / "features").glob("*.parquet"))
        for row in pq.read_table(file, columns=names).to_pylist()
    }


@pytest.fixture(scope="module")
def root(config: PackageConfig, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that is set up as the repository is, with a package whose history ends before the replay."""
    folder = tmp_path_factory.mktemp("fraud") / "root"
    data = folder / "data" / config.pipeline
    write_validated(data / "validated", config, split(rows)[0])
    write_winner(data, config, Model(_target_="lightgbm.LGBMClassifier", params={"n_estimators": 20, "num_leaves": 7}))
    write_contents(data, config, folder / package_folder(config.pipeline))
    (folder / "params.yaml").write_text(f"pipelines:\n  {config.pipeline}: {{}}\n")
    for name in ("bentofile.yaml", "headrace"):
        (folder / name).symlink_to(ROOT / name)
    return folder


class Connections:
    """One to each worker, asked in turn; and the rows whose labels are not known yet."""

    def __init__(self, server: Server, workers: int) -> None:
        self._clients = list(_one_to_each(server, workers))
        self._turn = 0

    def ask(self, path: str, content: Any) -> Any:
        """Ask the next one."""
        self._turn += 1
        status, _, text = self._clients[self._turn % len(self._clients)].ask(path, json.dumps(content).encode())
        assert status == OK, text
        return json.loads(text)

    def close(self) -> None:
        """Let go of them."""
        for client in self._clients:
            client.close()


def _one_to_each(server: Server, workers: int) -> Iterator[Client]:
    """Yield a connection to each worker."""
    found: set[int] = set()
    processes = workers_of(server)
    assert len(processes) == workers
    until = time.monotonic() + 20
    while len(found) < workers:
        assert time.monotonic() < until, "all connections go to one worker"
        client = Client(server.port)
        client.ask("/nothing", b"{}")
        owner = next(process.pid for process in processes if _holds(process, client.port))
        if owner in found:
            client.close()
        else:
            found.add(owner)
            yield client


def _holds(process: psutil.Process, port: int) -> bool:
    return any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp"))


def asked(row: dict[str, Any], request: list[str]) -> dict[str, Any]:
    """Return a row as a request has it."""
    plain = {**row, "tx_datetime": row["tx_datetime"].isoformat(), "tx_amount": float(row["tx_amount"])}
    return {name: plain[name] for name in request}


def replay(root: Path, rows: list[dict[str, Any]], delay: dt.timedelta, request: list[str]) -> tuple[Server, int]:
    """Send rows in order, and each one's label once it is known; start the service anew on the way."""
    home, state, told = root.parent / "home", root.parent / "state", 0
    waiting: deque[dict[str, Any]] = deque()
    ends = [*(int(share * len(rows)) for share in RESTARTS), len(rows)]
    begin = 0
    for end in ends:
        server = start(root, home, HEADRACE_WORKERS="2", HEADRACE_STATE=str(state))
        try:
            print(f"rows {begin} to {end}: ready after {server.wait():.1f} s")
            connections = Connections(server, 2)
            for row in rows[begin:end]:
                known = []
                while waiting and waiting[0]["tx_datetime"] + delay <= row["tx_datetime"]:
                    known.append(waiting.popleft())
                if known:
                    outcomes = [{"request_id": name_of(each), "label": each["tx_fraud"]} for each in known]
                    answer = connections.ask("/outcomes", {"outcomes": outcomes})
                    assert [each["result"] for each in answer["results"]] == ["recorded"] * len(known), answer
                    told += len(known)
                connections.ask("/predict", {"instance": asked(row, request), "request_id": name_of(row)})
                waiting.append(row)
            connections.close()
        finally:
            server.stop()
        begin = end
    return server, told


def name_of(row: dict[str, Any]) -> str:
    """Return the request id of a transaction."""
    return f"tx-{row['transaction_id']}"


def test_days_that_are_replayed_have_the_features_of_training(
    config: PackageConfig, rows: list[dict[str, Any]], root: Path, tmp_path: Path
) -> None:
    """Two workers in turn, labels a week late, two restarts: every value in the log is the featurize stage's."""
    history, replayed = split(rows)
    request = read_contents(root / package_folder(config.pipeline)).request
    delay = dt.timedelta(microseconds=microseconds(config.target.delay))
    begin = time.monotonic()
    server, told = replay(root, replayed, delay, request)
    seconds = time.monotonic() - begin
    expected = features_of(rows, config, tmp_path / "all")
    unknown = features_of(
        history + [{**row, "tx_fraud": 0, "tx_fraud_scenario": 0} for row in replayed], config, tmp_path / "unknown"
    )
    seen = logged_features(server, config.pipeline, tmp_path / "log.parquet")
    assert set(seen) == {name_of(row) for row in replayed}
    names = feature_names(config.features)
    compared = missing = by_label = 0
    largest = 0.0
    wrong = []
    for row in replayed:
        right, found = expected[row["transaction_id"]], seen[name_of(row)]
        assert set(found) == set(names)
        for name in names:
            compared += 1
            difference = distance(found[name], right[name])
            largest = max(largest, difference)
            missing += right[name] is None
            by_label += distance(right[name], unknown[row["transaction_id"]][name]) > 0
            if difference > LARGEST:
                wrong.append((row["transaction_id"], str(row["tx_datetime"]), name, found[name], right[name]))
    print(
        f"{len(replayed)} rows in {seconds:.0f} s, {told} outcomes, history of {len(history)} rows: {compared} values "
        f"compared ({missing} missing in both, {by_label} that a label of a replayed row decides), "
        f"largest difference {largest:g}, above {LARGEST:g}: {len(wrong)}"
    )
    assert by_label > 0
    assert told > 1000
    assert not wrong, wrong[:10]


def logged_features(server: Server, pipeline: str, out: Path) -> dict[str, dict[str, Any]]:
    """Return what the model saw, by request id."""
    store = open_store(sqlite_log(server), read_keys(None, server.state / "log.keys"), pipeline)
    export(store, dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC), out)
    store.close()
    return {
        row["request_id"]: json.loads(row["payload"])["features"]
        for row in pq.read_table(out, columns=["request_id", "payload"]).to_pylist()
    }


def distance(one: Any, other: Any) -> float:
    """Return how far two values are from each other; a missing one is far from all but a missing one."""
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return 0.0 if one == other else math.inf
    return abs(float(one) - float(other))
