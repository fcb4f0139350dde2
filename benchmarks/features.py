"""How long the handbook's fifteen features take, beside pandas and beside hand-written DuckDB SQL.

    python -m benchmarks.features [--rows ../shared/data/handbook_transactions.parquet] [--rounds 3]

Each reads the same validated rows (a Parquet file a day), computes the same features and writes them with zstd:
Headrace a file a day, the others one file. Rounds take turns, and the table has the medians. Hand-written SQL differs
where a card or a terminal has two rows of one moment: its frames see both from both. The second table is Headrace
alone: at ten times the rows (ten times the cards and terminals, in a process of its own), for one more day, and for a
request.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.features import Features, Window, feature_names
from headrace.declaration.modelling import Target
from headrace.declaration.pipeline import FeaturizeConfig
from headrace.declaration.rows import Column, TypedRows
from headrace.features import Lookup, featurize

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = Path("../shared/data/handbook_transactions.parquet")
SPANS = {"1d": 1, "7d": 7, "30d": 30}
DELAY = 7
SCHEMA = TypedRows(
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
TARGET = Target(column="tx_fraud", positive=1, delay=f"{DELAY}d")
FEATURES = Features(
    columns=["tx_amount"],
    expressions={"is_weekend": "isodow(tx_datetime) >= 6", "is_night": "hour(tx_datetime) <= 6"},
    windows={
        "customer_id": Window(spans=list(SPANS), aggregates={"count": "count(*)", "mean": "avg(tx_amount)"}),
        "terminal_id": Window(
            spans=list(SPANS), delay=f"{DELAY}d", aggregates={"count": "count(*)", "risk": "avg(tx_fraud)"}
        ),
    },
)
CONFIG = FeaturizeConfig(pipeline="fraud", target=TARGET, schema=SCHEMA, features=FEATURES)
TARGETS = {"pandas": 4.0, "hand-written SQL": 1 / 1.5}
MEMORY_TARGET, LINEAR, ONE_DAY = 4.0, 10.0, 0.1


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS, help="the published transactions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", type=Path, nargs=2, help=argparse.SUPPRESS)  # what measure_alone() starts
    arguments = parser.parse_args()
    if arguments.alone:
        validated, out = arguments.alone
        seconds = clock(lambda: featurize(validated, out, CONFIG))
        print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
        return
    with tempfile.TemporaryDirectory(prefix="headrace-benchmark-") as folder:
        rows = write_days(arguments.rows, Path(folder, "validated"))
        print(f"{rows:,} rows, {len(os.sched_getaffinity(0))} cores, medians of {arguments.rounds} rounds\n")
        compare(Path(folder), arguments.rounds)
        alone(arguments.rows, Path(folder), arguments.rounds)


def compare(folder: Path, rounds: int) -> None:
    """Print Headrace beside the others, and how far apart their values are."""
    validated = folder / "validated"
    contenders: dict[str, Callable[[Path], None]] = {
        "Headrace": partial(afresh, validated),
        "pandas": partial(by_pandas, validated),
        "hand-written SQL": partial(by_hand, validated),
    }
    seconds = defaultdict(list)
    for _ in range(rounds):
        for name, contender in contenders.items():
            seconds[name].append(clock(partial(contender, folder / name)))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    print("| read, compute, write | seconds | beside Headrace | demanded | largest difference | rows that differ |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, median in medians.items():
        demanded = f">= {TARGETS[name]:.2f}" if name in TARGETS else ""
        apart, differing = difference(folder / name, folder / "Headrace")
        print(
            f"| {name} | {median:.2f} | {median / medians['Headrace']:.2f} | {demanded} | {apart:.1e} | {differing:,} |"
        )


def alone(source: Path, folder: Path, rounds: int) -> None:
    """Print what Headrace takes at ten times the rows, for a day more, and for a request."""
    one_seconds, one_memory = measure_alone(folder / "validated", folder / "out", rounds)
    rows = write_days(source, folder / "ten times", 10)
    ten_seconds, ten_memory = measure_alone(folder / "ten times", folder / "out", 1)
    shutil.rmtree(folder / "ten times")
    full, day = one_more_day(folder, rounds)
    print("\n| Headrace alone | seconds | beside | demanded | peak memory (GB) | demanded |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(f"| the published rows | {one_seconds:.2f} | | | {one_memory:.2f} | |")
    print(
        f"| {rows:,} rows | {ten_seconds:.1f} | {ten_seconds / one_seconds:.1f} times | <= {LINEAR:.0f} "
        f"| {ten_memory:.2f} | < {MEMORY_TARGET:.0f} |"
    )
    print(f"| one more day | {day:.2f} | {day / full:.3f} of all days | <= {ONE_DAY} | | |")
    print(f"| one request, 350,000 rows of history | {one_request(folder / 'validated'):.4f} | | | | |")


def clock(work: Callable[[], object]) -> float:
    """Return how many seconds some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write_days(source: Path, folder: Path, times: int = 1) -> int:
    """Write the rows as the validate stage does, a file a day; each `times`, with cards and terminals of their own."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE source AS SELECT TRANSACTION_ID::BIGINT AS id, TX_DATETIME AS moment, "
            "CUSTOMER_ID AS customer, TERMINAL_ID AS terminal, TX_AMOUNT AS amount, TX_FRAUD AS fraud "
            f"FROM '{source}'"
        )
        for (day,) in connection.execute("SELECT DISTINCT moment::DATE FROM source ORDER BY 1").fetchall():
            connection.execute(
                f"COPY (SELECT id * {times} + copy AS transaction_id, moment::TIMESTAMP AS tx_datetime, "
                "customer + 100000::BIGINT * copy AS customer_id, terminal + 100000::BIGINT * copy AS terminal_id, "
                "amount::DECIMAL(12,2) AS tx_amount, fraud::BIGINT AS tx_fraud "
                f"FROM source, range({times}) AS copies(copy) WHERE moment::DATE = '{day}' "
                f"ORDER BY tx_datetime, transaction_id) TO '{folder}/{day}.parquet' (COMPRESSION zstd)"
            )
    return sum(pq.read_metadata(file).num_rows for file in folder.iterdir())


def afresh(validated: Path, out: Path) -> None:
    """Compute all features by Headrace, nothing kept of an earlier round."""
    shutil.rmtree(out, ignore_errors=True)
    featurize(validated, out, CONFIG)


def by_pandas(validated: Path, out: Path) -> None:
    """Compute the same as one does with pandas, and as the handbook does: `groupby().rolling()`."""
    import pandas as pd

    table = pq.read_table(validated)
    amount = table["tx_amount"].cast(pa.float64())  # pandas has no decimals: it would make an object of each
    frame = table.drop_columns("tx_amount").append_column("tx_amount", amount).to_pandas()
    frame = frame.sort_values(["tx_datetime", "transaction_id"], ignore_index=True)
    frame["is_weekend"] = (frame["tx_datetime"].dt.weekday >= 5).astype("float64")
    frame["is_night"] = (frame["tx_datetime"].dt.hour <= 6).astype("float64")

    def rolling(entity: str, column: str, days: int) -> tuple[pd.Series, pd.Series]:
        groups = frame.groupby(entity)
        window = groups.rolling(f"{days}D", on="tx_datetime")[column]
        rows = np.concatenate(list(groups.indices.values()))  # the order of what comes out: entity by entity
        return pd.Series(window.count().to_numpy(), rows), pd.Series(window.sum().to_numpy(), rows)

    late_count, late_sum = rolling("terminal_id", "tx_fraud", DELAY)
    for span, days in SPANS.items():
        count, total = rolling("customer_id", "tx_amount", days)
        frame[f"customer_id_count_{span}"], frame[f"customer_id_mean_{span}"] = count, total / count
        count, total = rolling("terminal_id", "tx_fraud", DELAY + days)
        frame[f"terminal_id_count_{span}"] = count - late_count
        frame[f"terminal_id_risk_{span}"] = (total - late_sum) / (count - late_count)
    frame.to_parquet(out, compression="zstd", index=False)


def by_hand(validated: Path, out: Path) -> None:
    """Compute the same by the SQL that a person would write for it."""
    columns, windows = [], []
    for span, days in SPANS.items():
        columns += [
            f"count(*) OVER customer_{span} AS customer_id_count_{span}",
            f"avg(tx_amount) OVER customer_{span} AS customer_id_mean_{span}",
            f"count(*) OVER terminal_{span} AS terminal_id_count_{span}",
            f"avg(tx_fraud) OVER terminal_{span} AS terminal_id_risk_{span}",
        ]
        windows.append(
            f"customer_{span} AS (PARTITION BY customer_id ORDER BY tx_datetime "
            f"RANGE BETWEEN INTERVAL {days} DAY - INTERVAL 1 MICROSECOND PRECEDING AND CURRENT ROW), "
            f"terminal_{span} AS (PARTITION BY terminal_id ORDER BY tx_datetime RANGE BETWEEN "
            f"INTERVAL {days + DELAY} DAY - INTERVAL 1 MICROSECOND PRECEDING AND INTERVAL {DELAY} DAY PRECEDING)"
        )
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT transaction_id, tx_datetime, customer_id, terminal_id, tx_fraud, "
            "tx_amount::DOUBLE AS tx_amount, "
            "(isodow(tx_datetime) >= 6)::DOUBLE AS is_weekend, (hour(tx_datetime) <= 6)::DOUBLE AS is_night, "
            f"{', '.join(columns)} FROM '{validated}/*.parquet' WINDOW {', '.join(windows)} "
            f"ORDER BY tx_datetime, transaction_id) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
        )


def difference(one: Path, other: Path) -> tuple[float, int]:
    """Return the largest difference of any feature's values, and how many rows have one above 1e-6."""
    tables = [
        f"read_parquet('{path}/*.parquet')" if path.is_dir() else f"read_parquet('{path}')" for path in (one, other)
    ]
    apart = ", ".join(
        f"CASE WHEN isfinite(a.{name}) THEN abs(a.{name} - coalesce(b.{name}, 1e9)) ELSE coalesce(b.{name}, 0) END"
        for name in feature_names(FEATURES)
    )
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT max(apart), count(*) FILTER (apart > 1e-6) FROM (SELECT greatest({apart}) AS apart "
            f"FROM {tables[0]} AS a JOIN {tables[1]} AS b USING (transaction_id))"
        ).fetchone()
    return found or (float("nan"), -1)


def measure_alone(validated: Path, out: Path, rounds: int) -> tuple[float, float]:
    """Return the seconds and the peak memory (GB) of featurize in a process of its own."""
    measured = []
    for _ in range(rounds):
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.features", "--alone", str(validated), str(out)]
        finished = subprocess.run(command, check=True, capture_output=True, text=True)
        measured.append(json.loads(finished.stdout))
    seconds, memory = zip(*measured, strict=True)
    return statistics.median(seconds), max(memory)


def one_more_day(folder: Path, rounds: int) -> tuple[float, float]:
    """Return the seconds for all days, and for the last one where the others are there."""
    some, out = folder / "some", folder / "more"
    full, day = [], []
    for _ in range(rounds):
        full.append(clock(lambda: afresh(folder / "validated", folder / "Headrace")))
        shutil.rmtree(some, ignore_errors=True)
        shutil.copytree(folder / "validated", some)
        last = max(some.iterdir())
        last.unlink()
        afresh(some, out)
        shutil.copy(folder / "validated" / last.name, last)
        day.append(clock(lambda: featurize(some, out, CONFIG)))
    return statistics.median(full), statistics.median(day)


def one_request(validated: Path, times: int = 50) -> float:
    """Return the median seconds of the features of one row, against the last five weeks of rows."""
    days = sorted(validated.iterdir())
    lookup = Lookup(FEATURES, SCHEMA, TARGET, pa.concat_tables(map(pq.read_table, days[-38:-1])))
    row = pq.read_table(days[-1]).slice(5000, 1).drop_columns(["tx_fraud"])
    try:
        return statistics.median(clock(lambda: lookup.features(row)) for _ in range(times))
    finally:
        lookup.close()


if __name__ == "__main__":
    main()
