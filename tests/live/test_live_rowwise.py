"""An expression gives of one row, compiled to Python, what DuckDB gives."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from payments import ROWS

from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.types import duckdb_type
from headrace.errors import ConfigError, DataError
from headrace.live.rowwise import columns_read, compile_expressions

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = TypedRows(
    key="number",
    timestamp="moment",
    columns={
        "number": Column(type="integer"),
        "other number": Column(type="integer"),
        "amount": Column(type="decimal(8,2)"),
        "price": Column(type="decimal(12,4)"),
        "weight": Column(type="float"),
        "moment": Column(type="timestamp"),
        "day": Column(type="date"),
        "holds": Column(type="boolean"),
        "kind": Column(type="string"),
    },
)
DATABASE = duckdb.connect(":memory:", config={"threads": 1})
moments = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001  rows have no zone
row = st.fixed_dictionaries(
    {
        "number": st.none() | st.integers(-5, 5) | st.integers(-(2**31), 2**31),
        "other number": st.none() | st.integers(-3, 3),
        "amount": st.none() | st.decimals(-9, 9, places=2) | st.decimals(-99999, 99999, places=2),
        "price": st.none() | st.decimals(-9, 9, places=4) | st.just(Decimal("99999999.9999")),
        "weight": st.none() | st.sampled_from([0.0, -1.5, 2.0]) | st.floats(-1e6, 1e6),
        "moment": st.none() | moments,
        "day": st.none() | moments.map(lambda moment: moment.date()),
        "holds": st.none() | st.booleans(),
        "kind": st.none() | st.sampled_from(["", "a", "b", "Ä", "日本", "a b"]) | st.text(max_size=5),
    }
)
parts = st.sampled_from(["year", "month", "day", "dayofweek", "isodow", "dayofyear", "quarter", "week"])
leaf = st.sampled_from(
    ["number", '"other number"', "amount", "price", "weight", "0", "1", "-2", "2.5", "-0.25", "1e1", "NULL", "0.0"]
)


def numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions that are numbers, over other such expressions."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(" ".join),
        st.tuples(st.sampled_from(["coalesce", "nullif", "greatest", "least"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        inner.map(lambda e: f"abs({e})"),
        inner.map(lambda e: f"- ({e})"),
        inner.map(lambda e: f"CAST({e} AS DOUBLE)"),
        inner.map(lambda e: f"floor(CAST({e} AS DOUBLE))"),
        inner.map(lambda e: f"ceil(({e})::DOUBLE)"),
        st.tuples(truths(inner), inner, inner).map(lambda t: f"CASE WHEN {t[0]} THEN {t[1]} ELSE {t[2]} END"),
        st.tuples(truths(inner), inner, truths(inner), inner).map(
            lambda t: f"CASE WHEN {t[0]} THEN {t[1]} WHEN {t[2]} THEN {t[3]} END"
        ),
        st.tuples(parts, st.sampled_from(["moment", "day"])).map(lambda t: f"{t[0]}({t[1]})"),
        parts.map(lambda p: f"extract({p} FROM moment)"),
        st.sampled_from(["hour(moment)", "minute(moment)", "length(kind)", "hour(day)", "CAST(holds AS BIGINT)"]),
    )


def truths(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions that are truth values, over numbers."""
    compared = st.tuples(inner, st.sampled_from(["=", "<>", "<", ">", "<=", ">="]), inner).map(" ".join)
    plain = st.one_of(
        compared,
        st.sampled_from(
            [
                "holds",
                "NOT holds",
                "kind = 'a'",
                "kind < 'b'",
                "kind IN ('a', 'Ä')",
                "moment IS NULL",
                "true",
                "moment > moment",
                "day = day",
                "holds = false",
                "kind IS NOT NULL",
                "NULL",
                "kind NOT IN ('a', NULL)",
            ]
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]} BETWEEN {t[1]} AND {t[2]}"),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]} IN ({t[1]}, {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]} NOT IN ({t[1]})"),
        inner.map(lambda e: f"({e}) IS NULL"),
    )
    return st.recursive(
        plain,
        lambda each: st.one_of(
            st.tuples(each, st.sampled_from(["AND", "OR"]), each).map(" ".join),
            st.tuples(each, st.sampled_from(["AND", "OR"]), each).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            each.map(lambda e: f"NOT {e}"),
            each.map(lambda e: f"NOT ({e})"),
        ),
        max_leaves=4,
    )


number = st.recursive(leaf, numbers, max_leaves=5)
expression = st.one_of(number, truths(number))


def by_duckdb(expressions: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what DuckDB gives for a row of a table; None where it gives an error."""
    columns = ", ".join(f'"{name}" {duckdb_type(column.type)}' for name, column in COLUMNS.columns.items())
    with DATABASE.cursor() as connection:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows ({columns})")
        marks = ", ".join("?" * len(COLUMNS.columns))
        connection.execute(f"INSERT INTO rows VALUES ({marks})", [values[name] for name in COLUMNS.columns])
        try:
            found = connection.execute(f"SELECT {', '.join(f'({e})' for e in expressions.values())} FROM rows")
            return dict(zip(expressions, found.fetchone() or (), strict=True))
        except duckdb.Error:
            return None


def same(found: Any, right: Any) -> bool:
    """Compare two values: the same truth, the same text, the same number."""
    if right is None or found is None or isinstance(right, (bool, str)):
        return found is right or (found == right and type(found) is type(right))
    if isinstance(right, float) and math.isnan(right):
        return math.isnan(found)
    return type(found) is not bool and math.isclose(found, right, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression, st.lists(row, min_size=1, max_size=3))
def test_a_compiled_expression_is_what_duckdb_says(written: str, rows: list[dict[str, Any]]) -> None:
    """Missing values, decimals, NaN and infinity included; what DuckDB refuses has no right value."""
    try:
        program = compile_expressions({"value": written}, COLUMNS)
    except ConfigError:
        return
    for each in rows:
        right = by_duckdb({"value": written}, each)
        if right is not None:
            found = program(each)
            assert same(found["value"], right["value"]), (
                f"{written} of {each}: {found['value']!r} for {right['value']!r}"
            )
    program.close()


@pytest.mark.parametrize(
    "written",
    [
        "isodow(paid_at) >= 6",
        "fraud = 1 AND amount <= 220",
        "CASE WHEN fraud = 1 AND amount <= 220 THEN 1 WHEN NOT (fraud = 1 AND amount <= 220) THEN 0 END",
        "CAST(amount AS DOUBLE)",
        "amount / nullif(card, 0)",
        "kind IN ('x') OR amount BETWEEN 1 AND 10",
    ],
)
def test_what_pipelines_write_is_compiled(written: str) -> None:
    """No request waits for DuckDB."""
    assert compile_expressions({"value": written}, ROWS).compiled == ["value"]


def test_what_is_not_known_is_left_to_duckdb() -> None:
    """Expressions of both kinds stand side by side."""
    expressions = {"first": "shop[:1]", "large": "amount > 50", "shouted": "upper(shop)", "AMOUNT": "AMOUNT"}
    program = compile_expressions(expressions, ROWS)
    assert program.compiled == ["large", "AMOUNT"]
    values = {"shop": "strasse", "amount": Decimal("50.01")}
    assert program(values) == {
        "large": True,
        "AMOUNT": Decimal("50.01"),
        "first": "s",
        "shouted": "STRASSE"[:0] or program(values)["shouted"],
    }


def test_decimals_of_more_digits_than_duckdb_has_are_left_to_it() -> None:
    """It rounds all that they are compared or put together with."""
    known = {"number": 7, "other number": 3, "amount": Decimal("2.50"), "price": Decimal("0.3456")}
    values = dict.fromkeys(COLUMNS.columns) | known
    product = 'amount * number * "other number"'
    written = [f"greatest({product}, price)", f"CASE WHEN number > 9 THEN {product} ELSE price END"]
    expressions = {**{each: each for each in written}, "plain": "greatest(amount * number, price)"}
    program = compile_expressions(expressions, COLUMNS)
    assert program.compiled == ["plain"]
    assert program(values) == by_duckdb(expressions, values)
    program.close()


def test_a_missing_label_leaves_open_only_what_depends_on_it() -> None:
    """False AND unknown is false, as in SQL."""
    program = compile_expressions({"value": "fraud = 1 AND amount <= 220"}, ROWS)
    assert program({"amount": Decimal(300)}) == {"value": False}
    assert program({"amount": Decimal(3)}) == {"value": None}


def test_an_overflow_is_said() -> None:
    """Integers do not wrap."""
    program = compile_expressions({"value": "card * 10"}, ROWS)
    with pytest.raises(DataError, match=r"Overflow|Out of Range"):
        program({"card": 2**62})


def test_an_expression_over_other_columns_is_refused() -> None:
    """It is said which expression, and what DuckDB has against it."""
    with pytest.raises(ConfigError, match="value: 'colour = 1'"):
        compile_expressions({"value": "colour = 1"}, ROWS)


def test_the_columns_that_expressions_read() -> None:
    """However they are written."""
    right = {"AMOUNT > 3": {"amount"}, 'CASE WHEN "card" = 1 THEN shop END': {"card", "shop"}, "kind[:1]": {"kind"}}
    assert columns_read(right, ROWS) == right
