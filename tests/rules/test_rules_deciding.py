"""Rules and model decide the same about a row alone, among many, and in a table."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from payments import ROWS, START

from headrace.declaration.features import Features, Window, feature_names
from headrace.declaration.rules import Rule, Rules
from headrace.declaration.sql import connect
from headrace.declaration.types import arrow_schema
from headrace.errors import ConfigError, DataError
from headrace.rules import MODEL, decide_table, names_read
from headrace.rules.row import RowRules
from headrace.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FEATURES = Features(
    columns=["amount", "kind"],
    expressions={"night": "hour(paid_at) < 6", "first": "shop[:1]"},
    windows={"card": Window(spans=["1d"], aggregates={"count": "count(*)", "mean": "avg(amount)"})},
    ratios={"by_mean": "amount / card_mean_1d"},
)
NAMES = feature_names(FEATURES)
TEXTS = {"kind", "first"}
THRESHOLD = 0.3
TASK = read_task({})
DATABASE = connect()

numbers = st.sampled_from(
    ["amount", "weight", "card", "night", "card_count_1d", "card_mean_1d", "by_mean", "probability"]
)
constants = st.sampled_from(["0", "1", "-2", "2.5", "1e1", "0.3", "5000000000000000000"])
sides = st.one_of(
    numbers,
    constants,
    st.tuples(numbers, st.sampled_from(["+", "-", "*", "/"]), st.one_of(numbers, constants)).map(" ".join),
)
plain = st.one_of(
    st.tuples(sides, st.sampled_from(["=", "<>", "<", ">", "<=", ">="]), sides).map(" ".join),
    st.tuples(numbers, sides, sides).map(lambda t: f"{t[0]} BETWEEN {t[1]} AND {t[2]}"),
    numbers.map(lambda name: f"{name} IS NULL"),
    st.sampled_from(
        [
            "kind = 'x'",
            "first IN ('A', 'B')",
            "shop < first",
            "upper(shop) = 'AB'",
            "hour(paid_at) > 12",
            "TRUE",
            "NULL::BOOLEAN",
        ]
    ),
)
conditions = st.recursive(
    plain,
    lambda each: st.one_of(
        st.tuples(each, st.sampled_from(["AND", "OR"]), each).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        each.map(lambda inner: f"NOT ({inner})"),
    ),
    max_leaves=3,
)
amounts = st.decimals(-99, 99, places=2) | st.sampled_from([Decimal("2.50"), Decimal(1), Decimal(9999999999)])
floats = st.floats(-9, 9) | st.sampled_from([math.nan, math.inf, 1e308, 2.5])
rows = st.fixed_dictionaries(
    {
        "id": st.integers(0, 9),
        "paid_at": st.integers(0, 10**6).map(lambda seconds: START + dt.timedelta(seconds=seconds)),
        "card": st.none() | st.integers(-3, 3) | st.integers(2**62, 2**63 - 1),
        "shop": st.sampled_from(["", "A", "Ab", "Ä", "1"]),
        "kind": st.sampled_from(["x", "y"]),
        "amount": st.none() | amounts,
        "weight": st.none() | floats,
    }
)
own = {name: st.none() | st.sampled_from(["A", "B"]) if name in TEXTS else floats for name in NAMES}
asked = st.tuples(rows, st.fixed_dictionaries(own), st.sampled_from([0.0, 0.1, 0.3, 0.9, math.nan]))


def declare(*conditions: str) -> Rules:
    """Return rules of these conditions; each has a decision of its own."""
    own = [f"d{number}" for number in range(len(conditions))]
    rules = [Rule(name=f"r{number}", when=when, then=own[number]) for number, when in enumerate(conditions)]
    return Rules(decisions=["allow", *own, "block"], rules=rules)


def in_table(rules: Rules, each: Sequence[Any]) -> list[tuple[str, str | None]]:
    """Decide about rows of a table, in which what is missing is NULL."""
    columns = ROWS.columns
    table = pa.Table.from_pylist([row for row, _, _ in each], schema=arrow_schema(columns))
    for name in NAMES:
        if name not in columns:
            values = [features[name] for _, features, _ in each]
            values = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
            table = table.append_column(name, pa.array(values, pa.string() if name in TEXTS else pa.float64()))
    scores = np.array([score for _, _, score in each])
    decided = decide_table(rules, table, TASK, scores, threshold=THRESHOLD, connection=DATABASE)
    return [
        (rules.decisions[decision], None if rule == MODEL else rules.rules[rule].name)
        for decision, rule in zip(decided.decisions, decided.rules, strict=True)
    ]


@contextlib.contextmanager
def ready(rules: Rules, features: Features = FEATURES) -> Iterator[RowRules]:
    """Yield rules that can be asked."""
    with contextlib.closing(RowRules(rules, ROWS, features, TASK, THRESHOLD)) as row_rules:
        yield row_rules


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(conditions, min_size=1, max_size=3), st.lists(asked, min_size=1, max_size=6))
def test_a_row_alone_among_many_and_in_a_table_is_decided_alike(written: list[str], each: list[Any]) -> None:
    """NULL, NaN, infinity, and sums that leave their type included."""
    rules = declare(*written)
    right = in_table(rules, each)
    lists = [[features[name] for name in NAMES] for _, features, _ in each]
    with ready(rules) as decide:
        alone = [decide(row, values, score) for (row, _, score), values in zip(each, lists, strict=True)]
        many = decide.many([row for row, _, _ in each], lists, [score for _, _, score in each])
    assert alone == right
    assert many == right


ROW = {"id": 1, "paid_at": START, "card": 1, "shop": "A", "kind": "x", "amount": Decimal(10)}
VALUES = dict.fromkeys(NAMES, 1.0) | {"kind": "x", "first": "A"}


def decided(rules: Rules, row: dict[str, Any] = ROW, probability: float = 0.1, **values: Any) -> tuple[str, str | None]:
    """Return what is decided about a row, and by which rule."""
    with ready(rules) as decide:
        return decide(row, list((VALUES | values).values()), probability)


def test_the_first_rule_that_holds_decides() -> None:
    """Where none does, the model: from its threshold on."""
    rules = declare("amount > 5", "amount > 1")
    assert decided(rules) == ("d0", "r0")
    assert decided(rules, {**ROW, "amount": Decimal(2)}) == ("d1", "r1")
    assert decided(rules, {**ROW, "amount": Decimal(1)}) == ("allow", None)
    assert decided(rules, {**ROW, "amount": Decimal(1)}, THRESHOLD) == ("block", None)


def test_without_rules_the_model_decides() -> None:
    """In the pipeline's own words."""
    own = Rules(decisions=["keep", "call"], model={"below": "keep", "above": "call"})
    assert decided(own) == ("keep", None)
    with ready(own) as decide:
        assert decide.many([{}, {}], [[], []], [0.2, 0.3]) == [("keep", None), ("call", None)]
        assert decide.compiled == []


def test_a_missing_value_is_null_to_a_rule() -> None:
    """Whether a column is left out, or a feature is NaN or None."""
    rules = declare("NOT (weight > 1)", "weight IS NULL AND by_mean IS NULL AND first IS NULL")
    for missing in (math.nan, None):
        assert decided(rules, {**ROW, "weight": missing}, by_mean=missing, first=None) == ("d1", "r1")
    assert decided(rules, by_mean=math.nan) == ("allow", None)


def test_a_condition_with_an_error_does_not_hold_and_the_others_are_asked() -> None:
    """A shop that is no number, a product that leaves its type."""
    rules = declare("CAST(shop AS INTEGER) > 1", "card * card > 1", "amount > 5")
    row = {**ROW, "card": 2**62}
    assert decided(rules, row) == ("d2", "r2")
    assert decided(rules, {**row, "shop": "7"}) == ("d0", "r0")
    assert in_table(rules, [(row, VALUES, 0.1)]) == [("d2", "r2")]


def test_a_number_that_its_type_cannot_hold_makes_no_rule_hold() -> None:
    """DuckDB gives a product of decimals 18 digits: the same row is no other one alone than among many or offline."""
    rules = declare("amount * amount > 5", "probability IS NULL")
    row = {**ROW, "amount": Decimal(9999999999), "weight": None}
    each = [(row, VALUES, 0.1), (row, VALUES, math.nan)]
    right = [("allow", None), ("d1", "r1")]
    assert in_table(rules, each) == right
    with ready(rules) as decide:
        assert [decide(row, list(VALUES.values()), score) for row, _, score in each] == right
        assert decide.many([row] * 2, [list(VALUES.values())] * 2, [0.1, math.nan]) == right


def test_a_value_of_another_type_spoils_no_other_row() -> None:
    """Many rows are then decided about one by one; one that DuckDB does not take either is named."""
    rules = declare("amount > 5")
    exact = {**ROW, "amount": Decimal("5.0001")}
    with ready(rules) as decide:
        assert decide.many([exact, ROW], [list(VALUES.values())] * 2, [0.1, 0.1]) == [("d0", "r0"), ("d0", "r0")]
        with pytest.raises(DataError):
            decide({**ROW, "amount": "many"}, list(VALUES.values()), 0.1)


def test_the_names_that_rules_read_are_told_in_the_order_of_the_columns() -> None:
    """A request has to have them."""
    rules = declare("Amount > 1 AND first = 'A'", "probability > 0.5 AND \"shop\" = 'A'")
    assert names_read(rules, ROWS.columns) == ["shop", "amount"]
    assert names_read(Rules(), ROWS.columns) == []


def test_a_condition_over_unknown_names_is_refused() -> None:
    """Where nobody checked before."""
    with pytest.raises(ConfigError, match="r0: 'nothing > 1'"), ready(declare("nothing > 1")):
        pass


def test_three_rules_cost_a_request_microseconds() -> None:
    """Ten at most on an idle machine; the bound leaves room for a busy one. A row among many costs less."""
    rules = declare("card_count_1d > 50 AND amount < 5", "amount > 220", "probability > 0.01 AND by_mean > 4")
    values = list(VALUES.values())
    with ready(rules) as decide:
        assert decide.compiled == ["r0", "r1", "r2"]
        rounds = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(2000):
                decide(ROW, values, 0.001)
            rounds.append((time.perf_counter() - start) / 2000)
        decide.many([ROW], [values], [0.001])
        start = time.perf_counter()
        decide.many([ROW] * 10_000, [values] * 10_000, [0.001] * 10_000)
        together = (time.perf_counter() - start) / 10_000
    assert min(rounds) < 50e-6
    assert together < 50e-6
