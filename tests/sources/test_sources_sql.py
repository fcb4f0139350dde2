"""Rows from databases: SQLite, and a real PostgreSQL that comes and goes."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from headrace.errors import ConfigError, SourceError
from headrace.sources import Sql, holds_secret

if TYPE_CHECKING:
    from pathlib import Path

QUERY = "SELECT * FROM transactions WHERE moment >= :since AND moment < :until"
TARGET = "headrace.sources.Sql"


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """Return the URL of a SQLite file with a row on 1 April and two on 3 April 2018."""
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE transactions (id INTEGER, moment TIMESTAMP, amount NUMERIC, note TEXT)")
        connection.executemany(
            "INSERT INTO transactions VALUES (?, ?, ?, ?)",
            [
                (3, "2018-04-03 23:59:59", 2, None),
                (1, "2018-04-01 00:00:00", 1.5, None),
                (2, "2018-04-03 00:00:00", 3, None),
            ],
        )
    return f"sqlite:///{tmp_path}/rows.db"


def test_sqlite_rows_become_days(sqlite: str, run, raw):
    """A day without rows is a part without rows, with all columns; a row at midnight belongs to the day it starts."""
    ingested = run({"_target_": TARGET, "url": sqlite, "query": QUERY}, until="2018-04-04")
    assert str(ingested) == "3 new days of 3, 3 rows (3 in all)"
    days = [pq.read_table(raw / f"2018-04-0{day}.parquet") for day in (1, 2, 3)]
    assert [table["id"].to_pylist() for table in days] == [[1], [], [2, 3]]
    assert days[0].schema == days[1].schema == days[2].schema
    assert days[0]["amount"].to_pylist() == [1.5]


def test_moving_until_forward_asks_for_the_new_days_alone(sqlite: str, run, raw):
    """A row that has come to a day that stands is not asked for; those of the next day are."""
    source = {"_target_": TARGET, "url": sqlite, "query": QUERY}
    run(source, until="2018-04-03")
    with sqlite3.connect(sqlite.removeprefix("sqlite:///")) as connection:
        connection.execute("INSERT INTO transactions VALUES (9, '2018-04-01 12:00:00', 1, 'late')")
    ingested = run(source, until="2018-04-04")
    assert str(ingested) == "1 new day of 3, 2 rows (3 in all)"
    assert pq.read_table(raw / "2018-04-01.parquet")["id"].to_pylist() == [1]


def test_new_day_without_rows_has_the_known_types(sqlite: str, run, raw):
    """Where nothing has come, the columns and types are those of earlier days."""
    source = {"_target_": TARGET, "url": sqlite, "query": QUERY}
    run(source, until="2018-04-04")
    assert str(run(source, until="2018-04-06")) == "2 new days of 5, 0 rows (3 in all)"
    earlier, empty = (pq.read_schema(raw / f"2018-04-0{day}.parquet") for day in (3, 5))
    assert empty == earlier


def test_query_without_days_is_read_whole(sqlite: str, run, raw):
    """Without :since and :until the rows are all read each time, and a late one is seen."""
    source = {"_target_": TARGET, "url": sqlite, "query": "SELECT * FROM transactions"}
    run(source, until="2018-04-03")
    with sqlite3.connect(sqlite.removeprefix("sqlite:///")) as connection:
        connection.execute("INSERT INTO transactions VALUES (9, '2018-04-01 12:00:00', 1, 'late')")
    run(source, until="2018-04-03")
    assert pq.read_table(raw / "2018-04-01.parquet")["id"].to_pylist() == [1, 9]


def test_postgresql_types_are_kept(transactions: str, run, raw):
    """Numbers stay exact, booleans and timestamps keep their types, an all-null column is text."""
    run({"_target_": TARGET, "url": transactions, "query": QUERY}, until="2018-04-04")
    table = pq.read_table(raw / "2018-04-01.parquet")
    assert table.num_rows == 40
    assert table[:2].to_pylist() == [
        {
            "id": 0,
            "moment": datetime.fromisoformat("2018-04-01T00:00"),
            "amount": Decimal("0.00"),
            "note": None,
            "even": True,
        },
        {
            "id": 1,
            "moment": datetime.fromisoformat("2018-04-01T00:36"),
            "amount": Decimal("1.25"),
            "note": None,
            "even": False,
        },
    ]
    assert table.schema.field("amount").type == pa.decimal128(38, 2)
    assert table.schema.field("note").type == pa.string()


def test_values_of_every_kind_arrive(postgres: str):
    """UUIDs, documents, lists, bytes, moments of a zone and decimals that are no number come as what holds them."""
    query = """SELECT 1 AS id, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS uuid, '{"a": 1}'::jsonb AS document,
               ARRAY[1, 2] AS list, 'NaN'::numeric AS nothing, TIMESTAMPTZ '2018-04-01 12:00+02' AS zoned"""
    [row] = pa.concat_tables(list(Sql(url=postgres, query=query).read(None, None))[1:]).to_pylist()
    assert str(row["uuid"]) in ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", str(row["uuid"]))
    assert row["document"] == {"a": 1}
    assert row["list"] == [1, 2]
    assert row["nothing"] == "NaN"
    assert row["zoned"].timestamp() == datetime.fromisoformat("2018-04-01T10:00:00+00:00").timestamp()


def test_database_that_comes_back_is_waited_for(transactions: str, run, free_port, open_road, capsys):
    """Refused connections are tried again with growing waits, each said in a line, until the rows are there."""
    url = f"postgresql://postgres@127.0.0.1:{free_port}/postgres"
    threading.Timer(0.7, open_road, [free_port]).start()
    source = {"_target_": TARGET, "url": url, "query": QUERY, "attempts": 9, "wait_seconds": 0.1}
    assert run(source, until="2018-04-04").manifest.rows == 120
    lines = capsys.readouterr().out.splitlines()
    assert 2 <= len(lines) <= 8
    assert all("Connection refused" in line and f"Attempt {n} of 9" in line for n, line in enumerate(lines, 1))


def test_connection_lost_amid_the_rows_doubles_none(postgres: str, run, free_port, open_road, capsys):
    """A read that breaks half-way is started anew, and each row is there once."""
    open_road(free_port, breaks_after=2_000_000)
    query = "SELECT n AS id, repeat('x', 40) AS text FROM generate_series(1, 200000) AS n"
    source = {
        "_target_": TARGET,
        "url": f"postgresql://postgres@127.0.0.1:{free_port}/postgres",
        "query": query,
        "wait_seconds": 0.05,
    }
    assert run(source, timestamp=None).manifest.rows == 200_000
    assert "Attempt 1 of 5" in capsys.readouterr().out


def test_database_that_stays_away_ends_in_one_line(free_port, run, raw):
    """After the last attempt the error says where, what and how often; the password is not in it."""
    source = {
        "_target_": TARGET,
        "url": f"postgresql://me:secret@127.0.0.1:{free_port}/db",
        "query": QUERY,
        "attempts": 2,
        "wait_seconds": 0.01,
    }
    with pytest.raises(SourceError, match=r"Connection refused.* Gave up after 2 attempts") as caught:
        run(source, until="2018-04-04")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not raw.exists()


REFUSED = {
    "bad SQL": ("SELEC 1", 'syntax error at or near "SELEC"'),
    "no such table": ("SELECT * FROM nothing", 'relation "nothing" does not exist'),
    "no such column": ("SELECT no FROM pg_class", 'column "no" does not exist'),
    "a bad value": ("SELECT 1 / 0 AS id", "division by zero"),
    "a name twice": ("SELECT 1 AS id, 2 AS id", "returns two columns named id"),
}


@pytest.mark.parametrize(("query", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_pass_is_not_tried_again(query: str, said: str, postgres: str, run, capsys):
    """A query that the database refuses fails at once, with the database's own words in one line."""
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        run({"_target_": TARGET, "url": postgres, "query": query, "wait_seconds": 30.0}, timestamp=None)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 10
    assert capsys.readouterr().out == ""


def test_unknown_user_is_not_tried_again(postgres: str, run, capsys):
    """A user whom the database does not know will not be known in a second."""
    source = {"_target_": TARGET, "url": postgres.replace("postgres:@", "nobody:secret@"), "query": QUERY}
    with pytest.raises(SourceError, match=r'the database refuses: .*role "nobody" does not exist') as caught:
        run(source, until="2018-04-04")
    assert capsys.readouterr().out == ""
    assert "secret" not in str(caught.value)


def test_missing_sqlite_table_is_not_tried_again(sqlite: str, run, capsys):
    """SQLite says what is wrong with a query as it says that it is locked; only the latter can pass."""
    with pytest.raises(SourceError, match="no such table: absent"):
        run({"_target_": TARGET, "url": sqlite, "query": "SELECT * FROM absent"})
    assert capsys.readouterr().out == ""


def test_locked_sqlite_file_is_waited_for(sqlite: str, run, capsys):
    """Another process that holds the file is waited for."""
    holder = sqlite3.connect(sqlite.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.5, holder.execute, ["COMMIT"]).start()
    source = {"_target_": TARGET, "url": f"{sqlite}?timeout=0.1", "query": QUERY, "wait_seconds": 0.2}
    assert run(source, until="2018-04-04").manifest.rows == 3
    assert "database is locked" in capsys.readouterr().out
    holder.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"url": "nonsense with secret"}, "url: this is no database URL"),
        ({"url": "oracle://me:secret@host/db"}, "url: no driver for 'oracle"),
        ({"url": "nosuch://me:secret@host/db"}, "url: no driver for 'nosuch'"),
        ({"query": "SELECT :since"}, "query: takes :since and :until, or none; found :since"),
        ({"query": "SELECT :since, :until, :more"}, "found :more, :since, :until"),
        ({"attempts": 0}, "attempts: must be 1 or more, found 0"),
        ({"wait_seconds": -1.0}, "wait_seconds: must be 0 or more"),
    ],
)
def test_wrong_arguments_are_refused_without_a_connection(arguments: dict[str, object], said: str):
    """What can be seen to be wrong is refused when the source is made, and no password is repeated."""
    with pytest.raises(ConfigError, match=said) as caught:
        Sql(**{"url": "sqlite://", "query": "SELECT 1 AS id", **arguments})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_secret"),
    [
        ("postgresql://reader:pw@host/shop", True),
        ("postgresql://reader@host/shop?password=pw", True),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3D{x}%3BUID%3Dreader%3BPWD%3Dpw", True),
        ("snowflake://reader@host/shop?private_key=pw", True),
        ("snowflake://reader@host/shop?private_key_path=/keys/reader", False),
        ("postgresql://reader@host/shop?sslkey=/keys/reader.pem&passfile=/keys/pgpass", False),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3D{x}%3BTrusted_Connection%3Dyes", False),
        ("postgresql://[reader/shop", False),
    ],
)
def test_a_url_that_holds_a_secret_is_told_from_one_that_says_where_it_lies(url: str, is_secret: bool):
    """A file's name may be committed, a password may not."""
    assert holds_secret(url) is is_secret


def test_another_password_is_the_same_source(transactions: str, run, tmp_path: Path):
    """Credentials decide nothing about rows: a new password reads nothing again, and none is ever written."""
    query = {"_target_": TARGET, "query": QUERY}
    run({**query, "url": transactions.replace("postgres:@", "postgres:first@")}, until="2018-04-03")
    again = run(
        {**query, "url": transactions.replace("postgres:@", "postgres:other@"), "attempts": 2}, until="2018-04-03"
    )
    assert again.new == frozenset()
    assert "first" not in (tmp_path / "data" / "ingest.json").read_text()


def test_days_reach_the_database_as_dates(transactions: str):
    """The query may calculate with :since and :until."""
    query = "SELECT :since - 1 AS before, :until + INTERVAL '1 hour' AS after, count(*) AS id FROM transactions"
    source = Sql(url=transactions, query=query)
    assert source.daily
    [row] = pa.concat_tables(list(source.read(date(2018, 4, 2), date(2018, 4, 3)))[1:]).to_pylist()
    assert row == {"before": date(2018, 4, 1), "after": datetime.fromisoformat("2018-04-03T01:00"), "id": 120}


def test_large_results_are_streamed(postgres: str):
    """Rows come in chunks from a cursor of the server: the first is here long before the last is made."""
    engine_rows = Sql(url=postgres, query="SELECT n AS id FROM generate_series(1, 3000000) AS n").read(None, None)
    sizes = [len(table) for table, _ in zip(engine_rows, range(3), strict=False)]
    engine_rows.close()
    assert sizes == [0, 50_000, 50_000]


def test_driver_is_chosen_for_a_plain_url(postgres: str):
    """`postgresql://` is what hosters hand out; the driver that comes with Headrace reads it."""
    assert postgres.startswith("postgresql://")
    assert sum(len(table) for table in Sql(url=postgres, query="SELECT 1 AS id").read(None, None)) == 1
    assert sa.make_url(postgres).drivername == "postgresql"
