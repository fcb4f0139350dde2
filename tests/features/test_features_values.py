"""A feature is what its declaration says, in each of the two SQL forms, and the same in both."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from payments import EVERYTHING, ROWS, START, TARGET, by_definition, config, payment, rows_of, table, write_days

from headrace.declaration.features import Features, Window, feature_names
from headrace.features import Lookup, featurize

if TYPE_CHECKING:
    from pathlib import Path


def computed(validated: Path, out: Path) -> dict[int, dict[str, Any]]:
    """Featurize and return the rows by id."""
    featurize(validated, out, config(EVERYTHING))
    return {row["id"]: row for file in sorted(out.glob("*.parquet")) for row in pq.read_table(file).to_pylist()}


def assert_close(found: Any, right: Any, what: str) -> None:
    """Compare two values of a feature."""
    if right is None or found is None:
        assert found is None, f"{what}: {found} for {right}"
        assert right is None, f"{what}: {found} for {right}"
    else:
        assert math.isclose(found, right, rel_tol=1e-9, abs_tol=1e-6), f"{what}: {found} for {right}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(payment, min_size=1, max_size=30))
def test_every_aggregate_is_what_its_definition_says(
    tmp_path_factory: pytest.TempPathFactory, payments: list[Any]
) -> None:
    """Ties, borders, missing values and delays included."""
    rows = rows_of(payments)
    folder = tmp_path_factory.mktemp("values")
    write_days(rows, folder / "validated", 3)
    found = computed(folder / "validated", folder / "out")
    assert sorted(found) == sorted(row["id"] for row in rows)
    for name, window in EVERYTHING.windows.items():
        for label in window.aggregates:
            for span in window.spans:
                feature = f"{name}_{label}_{span}"
                for key, right in by_definition(rows, name, window, label, span).items():
                    assert_close(found[key][feature], right, f"{feature} of row {key}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(payment, min_size=2, max_size=30), st.integers(0, 2))
def test_a_lookup_gives_what_the_table_has(
    tmp_path_factory: pytest.TempPathFactory, payments: list[Any], cut: int
) -> None:
    """The rows after a cut, looked up against those before it, have the values of the training table."""
    rows = rows_of(payments)
    folder = tmp_path_factory.mktemp("lookup")
    write_days(rows, folder / "validated", 3)
    found = computed(folder / "validated", folder / "out")
    border = START + dt.timedelta(hours=16 * cut)
    history, asked = [r for r in rows if r["paid_at"] < border], [r for r in rows if r["paid_at"] >= border]
    if not asked:
        return
    lookup = Lookup(EVERYTHING, ROWS, TARGET, table(history))
    try:
        looked_up = lookup.features(table(asked)).to_pylist()
    finally:
        lookup.close()
    for row, values in zip(asked, looked_up, strict=True):
        for name in feature_names(EVERYTHING):
            right = found[row["id"]][name]
            if isinstance(right, str):
                assert values[name] == right
            else:
                assert_close(values[name], right, f"{name} of row {row['id']}")


def test_a_row_without_its_label_can_be_looked_up() -> None:
    """A request has no label, and needs none."""
    past = [
        {
            "id": 1,
            "paid_at": START,
            "card": 1,
            "shop": "a",
            "kind": "x",
            "amount": Decimal("10.00"),
            "weight": 1.0,
            "fraud": 1,
        }
    ]
    asked = table(
        [
            {
                "id": 2,
                "paid_at": START + dt.timedelta(hours=3),
                "card": 1,
                "shop": "a",
                "kind": "x",
                "amount": Decimal("30.00"),
                "weight": 2.0,
                "fraud": 0,
            }
        ]
    )
    lookup = Lookup(EVERYTHING, ROWS, TARGET, table(past))
    row = lookup.features(asked.drop_columns(["fraud"])).to_pylist()[0]
    assert row["card_mean_1d"] == 20.0
    assert row["shop_risk_6h"] == 1.0
    assert row["to_mean"] == 1.5


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(payment, min_size=1, max_size=40), st.integers(1, 2))
def test_adding_days_one_by_one_is_computing_all_at_once(
    tmp_path_factory: pytest.TempPathFactory, payments: list[Any], first: int
) -> None:
    """Decimals, counts and quantiles keep every bit; earlier parts keep their bytes."""
    exact = Features(
        columns=["amount"],
        windows={
            "card": Window(
                spans=["5h", "1d"],
                aggregates={k: v for k, v in EVERYTHING.windows["card"].aggregates.items() if "weight" not in v},
            )
        },
    )
    rows = rows_of(payments)
    folder = tmp_path_factory.mktemp("days")
    write_days(rows, folder / "all", 3)
    featurize(folder / "all", folder / "at_once", config(exact))
    for days in (first, 3):
        write_days(rows, folder / "some", days)
        featurize(folder / "some", folder / "one_by_one", config(exact))
    for file in (folder / "at_once").iterdir():
        assert (folder / "one_by_one" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_float_column_may_differ_in_its_last_bits_only(tmp_path: Path) -> None:
    """Sums of floats depend on their order: the two forms agree to nine digits."""
    rows = rows_of(
        [
            {"half_hour": n, "card": 1, "shop": "a", "kind": "x", "amount": None, "weight": 0.1 * n, "fraud": 0}
            for n in range(90)
        ]
    )
    write_days(rows, tmp_path / "validated", 2)
    found = computed(tmp_path / "validated", tmp_path / "out")
    right = by_definition(rows, "card", EVERYTHING.windows["card"], "float_mean", "1d")
    for key, value in right.items():
        assert_close(found[key]["card_float_mean_1d"], value, str(key))
    assert isinstance(pq.read_table(tmp_path / "out" / "2024-01-01.parquet"), pa.Table)
