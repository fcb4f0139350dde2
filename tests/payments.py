"""Small tables of payments, and the definition of every aggregate in plain Python."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.durations import microseconds
from headrace.declaration.features import Features, Window
from headrace.declaration.modelling import Target
from headrace.declaration.pipeline import FeaturizeConfig
from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.types import arrow_schema

if TYPE_CHECKING:
    from pathlib import Path

START = dt.datetime(2024, 1, 1)  # noqa: DTZ001  times in tables are without zone
ROWS = TypedRows(
    key="id",
    timestamp="paid_at",
    columns={
        "id": Column(type="integer"),
        "paid_at": Column(type="timestamp"),
        "card": Column(type="integer", nullable=True),
        "shop": Column(type="string"),
        "kind": Column(type="category", values=["x", "y"]),
        "amount": Column(type="decimal(12,2)", nullable=True),
        "weight": Column(type="float", nullable=True),
        "fraud": Column(type="integer"),
    },
)
TARGET = Target(column="fraud", positive=1, delay="2h")


def config(features: Features, rows: TypedRows = ROWS, target: Target = TARGET) -> FeaturizeConfig:
    """Return what the featurize stage would read."""
    return FeaturizeConfig(pipeline="test", target=target, schema=rows, features=features)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows in the declared types."""
    return pa.Table.from_pylist(rows, schema=arrow_schema(ROWS.columns))


def write_days(rows: list[dict[str, Any]], folder: Path, days: int) -> None:
    """Write validated parts, a day each, empty ones too."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days):
        date = (START + dt.timedelta(days=day)).date()
        own = [row for row in rows if row["paid_at"].date() == date]
        pq.write_table(table(own), folder / f"{date}.parquet")


def by_definition(rows: list[dict[str, Any]], name: str, window: Window, label: str, span: str) -> dict[int, Any]:
    """Return a window feature for each row's id, straight from the words of its declaration."""
    entity, written = window.entity or name, window.aggregates[label]
    function, inside = written.rstrip(")").split("(", 1)
    delay, length = microseconds(window.delay), microseconds(span)
    found = {}
    for row in rows:
        seen = []
        for other in rows:
            age = (row["paid_at"] - other["paid_at"]) // dt.timedelta(microseconds=1)
            later_tie = not delay and age == 0 and other["id"] > row["id"]
            if (
                other[entity] == row[entity]
                and row[entity] is not None
                and delay <= age < delay + length
                and not later_tie
            ):
                seen.append(other)
        found[row["id"]] = aggregate(function, inside, sorted(seen, key=lambda r: (r["paid_at"], r["id"])), row)
    return found


def aggregate(function: str, inside: str, seen: list[dict[str, Any]], row: dict[str, Any]) -> float | None:
    """Return an aggregate over the rows that are seen, oldest first."""
    if function == "count" and inside == "*":
        return len(seen)
    if function == "seconds_since_last":
        earlier = [other["paid_at"] for other in seen if other["id"] != row["id"]]
        return (row["paid_at"] - earlier[-1]).total_seconds() if earlier else None
    if function == "share":
        values = [other["amount"] > 50 for other in seen if other["amount"] is not None]
        return sum(values) / len(values) if values else None
    column = inside.replace("distinct ", "").split(",")[0].strip()
    values = [other[column] for other in seen if other[column] is not None]
    if function == "count":
        return len(set(values)) if inside.startswith("distinct") else len(values)
    if not values:
        return None
    numbers = [float(value) for value in values]
    return {
        "sum": lambda: float(sum(values)) if isinstance(values[0], Decimal) else math.fsum(numbers),
        "avg": lambda: (
            float(sum(values) / len(values)) if isinstance(values[0], Decimal) else statistics.fmean(numbers)
        ),
        "min": lambda: min(numbers),
        "max": lambda: max(numbers),
        "last": lambda: numbers[-1],
        "stddev": lambda: statistics.stdev(numbers) if len(numbers) > 1 else None,
        "median": lambda: statistics.median(numbers),
        "quantile": lambda: interpolated(sorted(numbers), float(inside.split(",")[1])),
    }[function]()


def interpolated(numbers: list[float], fraction: float) -> float:
    """Return the quantile by linear interpolation, as NumPy and DuckDB's quantile_cont define it."""
    place = fraction * (len(numbers) - 1)
    low = math.floor(place)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (numbers[high] - numbers[low]) * (place - low)


ALL_AGGREGATES = {
    "rows": "count(*)",
    "amounts": "count(amount)",
    "shops": "count(distinct shop)",
    "sum": "sum(amount)",
    "mean": "avg(amount)",
    "min": "min(amount)",
    "max": "max(weight)",
    "spread": "stddev(amount)",
    "float_mean": "avg(weight)",
    "float_spread": "stddev(weight)",
    "large": "share(amount > 50)",
    "last": "last(amount)",
    "gap": "seconds_since_last()",
    "median": "median(amount)",
    "high": "quantile(amount, 0.9)",
}
EVERYTHING = Features(
    columns=["amount", "kind"],
    expressions={"hour": "hour(paid_at)", "large": "amount > 50"},
    windows={
        "card": Window(spans=["1h", "1d"], aggregates=ALL_AGGREGATES),
        "before": Window(
            entity="card", delay="1us", spans=["3h"], aggregates={"rows": "count(*)", "median": "median(amount)"}
        ),
        "shop": Window(
            delay="2h",
            spans=["6h", "2d"],
            aggregates={"rows": "count(*)", "risk": "avg(fraud)", "last": "last(fraud)", "gap": "seconds_since_last()"},
        ),
    },
    ratios={"to_mean": "amount / card_mean_1d"},
)

# Half hours and few cards and shops, so that ties, window borders and missing values are met all the time.
payment = st.fixed_dictionaries(
    {
        "half_hour": st.integers(0, 96),
        "card": st.sampled_from([1, 2, None]),
        "shop": st.sampled_from(["a", "b"]),
        "kind": st.sampled_from(["x", "y"]),
        "amount": st.one_of(st.none(), st.decimals(0, 99, places=2)),
        "weight": st.one_of(st.none(), st.floats(-5, 5, width=32)),
        "fraud": st.sampled_from([0, 1]),
    }
)


def rows_of(payments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in order of time; the key does not follow the order in which they were drawn."""
    drawn = [
        {"id": (7 * number) % 101, "paid_at": START + dt.timedelta(minutes=30 * each["half_hour"]), **each}
        for number, each in enumerate(payments)
    ]
    return [
        {k: v for k, v in row.items() if k != "half_hour"}
        for row in sorted(drawn, key=lambda r: (r["paid_at"], r["id"]))
    ]
