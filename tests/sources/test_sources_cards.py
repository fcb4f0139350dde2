"""The simulated card transactions."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import ConfigError
from headrace.sources import Drift, SimulatedCards
from headrace.sources.cards.frauds import pick
from headrace.sources.cards.population import populate
from headrace.sources.cards.streams import Purpose

HANDBOOK = Path("/work/shared/data/handbook_transactions.parquet")
START = date(2018, 4, 1)
COLUMNS = ["transaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount", "tx_fraud", "tx_fraud_scenario"]


def rows(cards: SimulatedCards, days: int, skip: int = 0) -> pa.Table:
    """Return the rows of the first days, without those of the first `skip`."""
    tables = cards.read(START + timedelta(skip), START + timedelta(days))
    return pa.concat_tables(tables)


def ask(query: str, table: pa.Table) -> list[tuple[float, ...]]:
    """Return the rows of a query over `simulated`."""
    with duckdb.connect() as connection:
        return connection.register("simulated", table).execute(query).fetchall()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**63),
    day=st.integers(0, 44),
    radius=st.sampled_from([0.5, 5.0, 40.0, 200.0]),
    drift=st.sampled_from([None, Drift(start="2018-04-21", stolen_cards=3)]),
)
def test_a_day_alone_is_the_day_of_a_full_run(seed: int, day: int, radius: float, drift: Drift | None):
    """Whatever the seed, a day that is drawn alone equals that day after all days before it, bit for bit."""
    cards = SimulatedCards(customers=120, terminals=60, radius=radius, seed=seed, drift=drift)
    full = list(cards.read(None, START + timedelta(45)))
    again = SimulatedCards(customers=120, terminals=60, radius=radius, seed=seed, drift=drift)
    [alone] = again.read(START + timedelta(day), START + timedelta(day + 1))
    assert alone.equals(full[day])


def test_rows_are_what_the_columns_promise():
    """Ids are unique, times are whole seconds in order, amounts have two decimals, the label follows the scenario."""
    table = rows(SimulatedCards(customers=500, terminals=1000), 40)
    assert table.column_names == COLUMNS
    columns = {name: table[name].to_numpy() for name in COLUMNS}
    assert len(np.unique(columns["transaction_id"])) == len(table)
    assert (np.diff(columns["transaction_id"]) > 0).all()
    assert (np.diff(columns["tx_datetime"]) >= np.timedelta64(0)).all()
    assert (columns["tx_datetime"].astype("datetime64[s]") == columns["tx_datetime"]).all()
    assert (columns["tx_amount"] == np.round(columns["tx_amount"], 2)).all()
    assert columns["tx_amount"].min() >= 0
    assert ((columns["tx_fraud_scenario"] > 0) == columns["tx_fraud"]).all()
    assert set(columns["tx_fraud_scenario"]) == {0, 1, 2, 3}


def test_terminals_are_within_reach_and_all_as_likely():
    """A customer uses every terminal that is nearer than the radius, about equally often, and no other."""
    population = populate(customers=40, terminals=800, radius=7.0, seed=5)
    near, homes, shops = population.neighbourhoods, population.neighbourhoods.homes, population.neighbourhoods.shops
    draws = near.draw(np.repeat(np.arange(40), 20_000), np.random.default_rng(0)).reshape(40, -1)
    for customer in range(40):
        distance = np.hypot(homes[0][customer] - shops[0], homes[1][customer] - shops[1])
        reachable = near.names[distance < 7.0]
        used, counts = np.unique(draws[customer], return_counts=True)
        assert set(used) == set(reachable)
        expected = 20_000 / len(reachable)
        assert ((counts - expected) ** 2 / expected).sum() < len(reachable) + 6 * np.sqrt(2 * len(reachable))


def test_customers_who_reach_no_terminal_buy_nothing():
    """With few terminals and a short reach some customers have none, and the others buy there alone."""
    table = rows(SimulatedCards(customers=200, terminals=5, radius=4.0), 10)
    assert 0 < len(set(table["customer_id"].to_pylist())) < 60
    assert not rows(SimulatedCards(customers=5, terminals=1, radius=0.01), 2).num_rows


def test_compromised_terminals_and_customers_last_their_days():
    """Scenario 2 takes all of a terminal's rows for 28 days; scenario 3 about a third of a customer's for 14."""
    cards = SimulatedCards(customers=300, terminals=30, radius=20.0, seed=1)
    table = rows(cards, 60)
    untaken = """SELECT count(*) FROM (SELECT terminal_id, tx_datetime::DATE, bool_and(tx_fraud_scenario >= 2) AS taken
        FROM simulated GROUP BY ALL HAVING bool_or(tx_fraud_scenario = 2)) WHERE NOT taken"""
    assert ask(untaken, table) == [(0,)]
    # Two of 30 terminals a day for 28 days: nearly all are compromised in the steady state, few on the first days.
    day = "(tx_datetime::DATE - DATE '2018-04-01')::INT"
    by_day = dict(ask(f"SELECT {day}, avg((tx_fraud_scenario >= 2)::INT) FROM simulated GROUP BY 1", table))
    assert by_day[0] < 0.2
    assert np.mean([by_day[day] for day in range(30, 60)]) == pytest.approx(1 - (1 - 2 / 30) ** 28, abs=0.08)


def test_a_third_of_compromised_customers_purchases_is_fraud():
    """On the first day three customers are compromised: a third of what they buy then is scenario 3, at five times."""
    taken = bought = 0
    for seed in range(150):
        calm = SimulatedCards(customers=30, terminals=50, radius=60.0, seed=seed)
        [day] = calm.read(None, START + timedelta(1))
        frauds = day.filter(pa.compute.equal(day["tx_fraud_scenario"], 3))
        victims = pick(seed, Purpose.COMPROMISED_CUSTOMERS, START.toordinal(), 30, 3)
        assert set(frauds["customer_id"].to_pylist()) <= set(victims.tolist())
        taken += frauds.num_rows
        bought += pa.compute.is_in(day["customer_id"], pa.array(victims)).to_pylist().count(True)
    assert taken / bought == pytest.approx(1 / 3, abs=0.05)


def test_drift_leaves_earlier_days_alone_and_changes_later_ones():
    """From its day on amounts are multiplied and scenario 4 appears; nothing before it changes."""
    calm = SimulatedCards(customers=300, terminals=200, radius=10.0)
    drifting = SimulatedCards(
        customers=300, terminals=200, radius=10.0, drift=Drift(start="2018-04-11", inflation=1.5, stolen_cards=2)
    )
    assert rows(calm, 10).equals(rows(drifting, 10))
    before, after = (rows(cards, 30, skip=20) for cards in (calm, drifting))
    honest = after.filter(pa.compute.not_equal(after["tx_fraud_scenario"], 4))
    assert honest.num_rows == before.num_rows
    assert np.allclose(honest["tx_amount"].to_numpy(), before["tx_amount"].to_numpy() * 1.5, atol=0.0051)
    assert honest["tx_fraud_scenario"].equals(before["tx_fraud_scenario"])
    thefts = after.num_rows - honest.num_rows
    assert thefts == 10 * 2 * 7 * 6  # days, cards a day, days that each is tried, times a day


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"customers": 0}, "customers: must be 1 or more, found 0"),
        ({"seed": -1}, "seed: must be 0 or more"),
        ({"radius": 0.0}, "radius: must be more than 0"),
        ({"start": "April"}, "start: 'April' is no day; write one such as 2018-08-15"),
        ({"drift": Drift(start="2018-13-01")}, "drift.start: '2018-13-01' is no day"),
        ({"drift": Drift(start="2018-07-01", inflation=0)}, "drift.inflation: must be more than 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], said: str):
    """What no process can be made of is refused with its key, before any work."""
    with pytest.raises(ConfigError, match=said):
        SimulatedCards(**arguments)


def test_an_endless_run_is_refused():
    """The process has no last day, so `until: all` is refused."""
    with pytest.raises(ConfigError, match="until: 'all' has no end"):
        list(SimulatedCards().read(None, None))


@pytest.mark.skipif(not HANDBOOK.exists(), reason="the handbook's rows are not here")
def test_statistics_are_those_of_the_published_rows():
    """Rows a day, amounts, times, and frauds by scenario agree with what the handbook published."""
    table = rows(SimulatedCards(), 136)
    query = """SELECT count(*) / 136 AS rows_a_day, avg(tx_fraud) AS fraud, avg(tx_amount) AS mean,
        median(tx_amount) AS median, stddev(tx_amount) AS deviation, avg(epoch(tx_datetime) % 86400) AS time,
        stddev(epoch(tx_datetime) % 86400) AS spread, avg((tx_fraud_scenario = 1)::INT) AS first,
        avg((tx_fraud_scenario = 2)::INT) AS second, avg((tx_fraud_scenario = 3)::INT) AS third,
        avg(tx_amount) FILTER (tx_fraud_scenario = 3) AS third_amount FROM """
    [ours], [theirs] = (ask(query + source, table) for source in ("simulated", f"'{HANDBOOK}'"))
    # The published rows are one draw of 5,000 customers, and so are ours: the tolerances are some three of its deviations.
    tolerances = (0.03, 0.08, 0.03, 0.04, 0.03, 0.002, 0.005, 0.25, 0.10, 0.10, 0.10)
    for our, their, tolerance in zip(ours, theirs, tolerances, strict=True):
        assert our == pytest.approx(their, rel=tolerance)
