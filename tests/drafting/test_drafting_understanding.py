"""What `headrace init` takes a table for; the schema that it writes accepts the rows that it was made from."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DAY = dt.datetime(2024, 1, 20)  # noqa: DTZ001
"""Its month and its day cannot be taken for each other."""


def write_csv(path, columns: dict[str, list[object]], separator: str = ",", encoding: str = "utf-8") -> None:
    """Write columns as a CSV file, each value in quotes where it needs them."""
    lines = [columns.keys(), *zip(*columns.values(), strict=True)]
    path.write_text("\n".join(separator.join(map(_cell, line)) for line in lines) + "\n", encoding=encoding)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',;"\n') else text


def left(number: int) -> str:
    """Return a label that no column of these tests tells."""
    return "yes" if random.Random(number).random() < 0.3 else "no"


COLUMNS = {
    "whole numbers": (lambda n: n % 90, {"type": "integer", "minimum": 0, "maximum": 1000}),
    "numbers below zero": (lambda n: n - 200, {"type": "integer", "minimum": -2000, "maximum": 2000}),
    "week_number": (lambda n: n % 53, {"type": "integer", "minimum": 0, "maximum": 1000}),
    "fractions": (lambda n: n / 8, {"type": "float", "minimum": 0, "maximum": 500}),
    "numbers with blanks": (
        lambda n: " " if n % 9 == 0 else n / 8,
        {"type": "float", "nullable": True, "minimum": 0, "maximum": 500, "null_values": [" "]},
    ),
    "placeholders": (
        lambda n: "unknown" if n % 9 == 0 else n,
        {"type": "integer", "nullable": True, "minimum": 0, "maximum": 5000, "null_values": ["unknown"]},
    ),
    "thousands": (lambda n: f"{n * 1000:,}", {"type": "integer", "minimum": 0, "maximum": 5_000_000}),
    "thousands and decimals": (lambda n: f"{n * 100.5:,.2f}", {"type": "float", "minimum": 0, "maximum": 500_000}),
    "percents": (lambda n: f"{n / 8:.1f} %", {"type": "float", "minimum": 0, "maximum": 500}),
    "dollars": (lambda n: f"${n * 10:,.2f}", {"type": "decimal(18,2)", "minimum": 0, "maximum": 50000}),
    "ISO days": (lambda n: f"{day(n):%Y-%m-%d}", {"type": "date"}),
    "ISO moments": (lambda n: f"{day(n):%Y-%m-%dT%H:%M:%S}", {"type": "timestamp"}),
    "moments of a zone": (lambda n: f"{day(n):%Y-%m-%d %H:%M:%S} +0900", {"type": "timestamp"}),
    "moments of a zone, close behind": (lambda n: f"{day(n):%Y-%m-%d %H:%M}+0900", {"type": "timestamp"}),
    "moments of a zone with slashes": (lambda n: f"{day(n):%Y/%m/%d %H:%M:%S} +09:00", {"type": "timestamp"}),
    "moments of Z": (lambda n: f"{day(n):%Y-%m-%d %H:%M:%S} Z", {"type": "timestamp"}),
    "moments of UTC": (lambda n: f"{day(n):%Y-%m-%d %H:%M:%S} UTC", {"type": "timestamp"}),
    "European days": (lambda n: f"{day(n):%d/%m/%Y}", {"type": "date"}),
    "American days": (lambda n: f"{day(n):%m/%d/%Y}", {"type": "date"}),
    "German days": (lambda n: f"{day(n):%d.%m.%Y}", {"type": "date"}),
    "American moments": (lambda n: f"{day(n):%m/%d/%Y %I:%M %p}", {"type": "timestamp"}),
    "months in words": (lambda n: f"{day(n):%d %b %Y}", {"type": "date"}),
    "yes and no": (lambda n: "YN"[n % 2], {"type": "category", "values": ["N", "Y"]}),
    "truth values": (lambda n: ["true", "FALSE"][n % 2], {"type": "boolean"}),
    "truth in several spellings": (lambda n: ["yes", "No", "NO"][n % 3], {"type": "boolean"}),
    "zeros and ones": (lambda n: n % 2, {"type": "integer", "values": [0, 1]}),
    "few texts": (lambda n: ["red", "green", "No"][n % 3], {"type": "category", "values": ["No", "green", "red"]}),
    "rare texts": (lambda n: f"town {n % 90}" if n % 2 else "home", {"type": "string"}),
    "codes with zeros": (lambda n: f"{n % 3:05d}", {"type": "category", "values": ["00000", "00001", "00002"]}),
    "a missing text": (
        lambda n: ["a", "b", "NA"][n % 3],
        {"type": "category", "nullable": True, "values": ["a", "b"], "null_values": ["NA"]},
    ),
    "nothing": (lambda _: None, {"type": "string", "nullable": True}),
    "always the same": (lambda _: "EU", {"type": "string"}),
    "mixed": (lambda n: n if n % 2 else f"item {n}", {"type": "string"}),
    "notes": (lambda n: f"the customer called {n} times and was content", {"type": "string"}),
}


def day(number: int) -> dt.datetime:
    """Return a moment of one of nine days: too few to split by."""
    return DAY + dt.timedelta(days=number % 9, minutes=number)


def test_columns_are_taken_for_what_they_are(place):
    """Each column gets its type, room for tomorrow's values and its missing ones; every row is valid."""
    numbers = range(400)
    table = {"id": [*numbers]} | {name: [value(n) for n in numbers] for name, (value, _) in COLUMNS.items()}
    write_csv(place.root / "rows.csv", table | {"left": [left(n) for n in numbers]})
    place.init("shop", "--from", "rows.csv", "--label", "left")
    found = place.declared("shop", "schema")["columns"]
    assert {name: found[name] for name in COLUMNS} == {name: expected for name, (_, expected) in COLUMNS.items()}
    assert place.problems("shop") == []
    assert place.accept("shop").rejected == 0
    text = place.text("shop", "features")
    for words in (
        "- nothing   # empty in all rows",
        "- always the same   # the same in all rows: EU",
        "- notes   # free text: 8 words on average",
        "- rare texts   # 46 different texts: too many for a category",
        "- mixed   # a text that is unique to its row",
    ):
        assert words in text
    assert "50 % of the values are numbers, others are texts such as" in place.text("shop", "schema")


def test_continental_file_is_read(place):
    """A file with semicolons, decimal commas and letters of Windows is taken as it is, and says so."""
    table = {
        "Kürzel": [f"K{n}" for n in range(300)],
        "Betrag": [f"{n}.{n % 10}00,5 €".replace("0.", "") if n else "0,5 €" for n in range(300)],
        "Größe": [f"{n % 80},25" for n in range(300)],
        "Straße": [["Gaß", "Höh"][n % 2] for n in range(300)],
        "weg": [left(n) for n in range(300)],
    }
    write_csv(place.root / "rows.csv", table, ";", "cp1252")
    said = place.init("shop", "--from", "rows.csv", "--label", "weg")
    assert "encoding cp1252" in said
    source = place.declared("shop", "pipeline")["source"]
    assert (source["encoding"], source["separator"]) == ("cp1252", ";")
    columns = place.declared("shop", "schema")["columns"]
    assert columns["Größe"] == {"type": "float", "minimum": 0, "maximum": 1000}
    assert columns["Straße"]["values"] == ["Gaß", "Höh"]
    assert place.declared("shop", "schema")["key"] == "Kürzel"
    assert place.problems("shop") == []
    assert place.accept("shop").rejected == 0


NAMES = [
    "two words",
    "a.b",
    'say "so"',
    "it's",
    "価格",
    "a, b: {c}",
    "# no comment",
    "yes",
    "2024",
    "null",
    "${oc.env:HOME}",
    "100 %",
    "select",
    "value",
    "rows",
    "day",
    "é",
]


def test_any_name_and_value_is_declared(place):
    """Columns of any name, with values of any kind, come through the declarations and the stages of rows."""
    values = ["No", "${x}", 'a "b"', "c: d", "# e", "値"]
    table = {name: [values[(n + k) % len(values)] for n in range(300)] for k, name in enumerate(NAMES)}
    table["Ja, oder?"] = [left(n) for n in range(300)]
    write_csv(place.root / "rows.csv", table)
    place.init("shop", "--from", "rows.csv", "--label", "Ja, oder?")
    assert place.features("shop") == NAMES
    assert place.problems("shop") == []
    summary = place.accept("shop")
    assert (summary.rows, summary.rejected) == (300, 0)


def events(rows: int, days: int) -> dict[str, list[object]]:
    """Return payments of forty customers, at random moments."""
    chance = random.Random(0)
    start = DAY.replace(day=1)
    moments = sorted(start + dt.timedelta(seconds=chance.randrange(days * 86400)) for _ in range(rows))
    return {
        "payment_id": [*range(rows)],
        "paid_at": moments,
        "customer_id": [chance.randrange(40) for _ in range(rows)],
        "amount": [round(chance.random() * 90, 2) for _ in range(rows)],
        "born_on": [dt.date(1970, 1, 1) + dt.timedelta(chance.randrange(9000)) for _ in range(rows)],
        "fraud": [int(chance.random() < 0.2) for _ in range(rows)],
    }


def test_rows_with_a_time_are_split_by_it(place):
    """The moment of the row is the time, the test is its last days, and windows over who comes again are proposed."""
    write_csv(place.root / "rows.csv", events(2000, 60))
    said = place.init("shop", "--from", "rows.csv", "--label", "fraud")
    schema, pipeline = place.declared("shop", "schema"), place.declared("shop", "pipeline")
    assert (schema["key"], schema["timestamp"]) == ("payment_id", "paid_at")
    assert place.params()["pipelines"]["shop"] == {"source": "csv", "until": "2024-03-01", "tracking": "file"}
    assert pipeline["split"] == {"time": {"test": "12d", "validation": "9d", "folds": 2}}
    assert pipeline["target"]["positive"] == 1
    assert "customer_id: says who it is (40 of them)" in said
    assert "amount" in place.declared("shop", "features")["columns"]
    assert place.problems("shop") == []
    assert place.accept("shop").rejected == 0


@pytest.mark.parametrize("customer", ["customer_id", "CustomerNo", "Kunde Nr.", "顧客番号"])
def test_proposed_windows_are_right(place, customer):
    """The windows that stand in comments pass the check once the comment marks are taken away."""
    rows = events(2000, 60)
    write_csv(place.root / "rows.csv", {customer if name == "customer_id" else name: rows[name] for name in rows})
    (place.root / "params.yaml").write_text("pipelines:\ncandidates:\n")  # as where somebody took out the last one
    place.init("shop", "--from", "rows.csv", "--label", "fraud")
    text = place.text("shop", "features")
    start = text.index("# windows:")
    lines = [line.removeprefix("# ") for line in text[start:].splitlines()]
    file = place.root / "pipelines" / "shop" / "features.yaml"
    file.write_text(text[:start] + "\n".join(lines) + "\n")
    assert customer in place.declared("shop", "features")["windows"]
    assert place.problems("shop") == []


def test_rows_whose_label_is_not_known_yet(place):
    """Rows without a label are kept, the last labelled day ends the rows, and what is filled with the label is left out."""
    table = events(2000, 60)
    table["fraud"] = [value if n < 1700 else None for n, value in enumerate(table["fraud"])]
    table["closed_by"] = ["ann" if n < 1700 else None for n in range(2000)]
    write_csv(place.root / "rows.csv", table)
    said = place.init("shop", "--from", "rows.csv", "--label", "fraud")
    assert "300 rows without a label are left out of training" in said
    assert place.declared("shop", "schema")["columns"]["fraud"]["nullable"] is True
    assert place.params()["pipelines"]["shop"]["until"] < "2024-02-25"
    assert "closed_by" not in place.declared("shop", "features")["columns"]
    assert place.problems("shop") == []
    assert place.accept("shop").rejected == 0


def test_columns_that_tell_the_label_are_pointed_out(place):
    """A copy of the label is left out and said; a column that nearly tells it is said and kept."""
    numbers = range(1000)
    label = [left(n) for n in numbers]
    chance = random.Random(1)
    table = {
        "id": [*numbers],
        "copy": [{"yes": "gone", "no": "here"}[value] for value in label],
        "score": [(value == "yes") + chance.gauss(0, 0.3) for value in label],
        "visits": [chance.randrange(9) for _ in numbers],
        "left": label,
    }
    write_csv(place.root / "rows.csv", table)
    said = place.init("shop", "--from", "rows.csv", "--label", "left")
    assert "copy is left out: it tells the label alone (ROC AUC 1" in said
    assert "score tells the label alone (ROC AUC 0.9" in said
    assert place.declared("shop", "features")["columns"] == ["score", "visits"]


def test_typed_rows_keep_their_types(place):
    """A Parquet file's types stand; what holds no single values is left out and said."""
    numbers = range(300)
    table = pa.table(
        {
            "id": pa.array(numbers, pa.int32()),
            "at": pa.array([dt.datetime(2024, 1, 1) + dt.timedelta(hours=n) for n in numbers]),  # noqa: DTZ001
            "price": pa.array([n / 3 for n in numbers], pa.float32()),
            "kind": pa.array([["a", "b"][n % 2] for n in numbers]).dictionary_encode(),
            "tags": pa.array([["x"] for _ in numbers]),
            "left": pa.array([left(n) == "yes" for n in numbers]),
        }
    )
    pq.write_table(table, place.root / "rows.parquet")
    said = place.init("shop", "--from", "rows.parquet", "--label", "left")
    assert "tags is not read" in said
    columns = place.declared("shop", "schema")["columns"]
    assert [column["type"] for column in columns.values()] == ["integer", "timestamp", "float", "category", "boolean"]
    assert place.declared("shop", "pipeline")["target"]["positive"] is True
    assert place.all_problems("shop") == []
    assert place.accept("shop").rejected == 0


def test_table_of_a_database(place):
    """A table without a key is counted, its URL stands in pipeline.yaml where it has no password."""
    with sqlite3.connect(place.root / "shop.db") as connection:
        connection.execute('CREATE TABLE "my rows" ("a b" REAL, kind TEXT, "left" TEXT)')
        rows = [(n / 7 if n % 5 else None, ["a", "b"][n % 2], left(n)) for n in range(300)]
        connection.executemany('INSERT INTO "my rows" VALUES (?, ?, ?)', rows)
    place.init("shop", "--from", "sqlite:///shop.db", "--table", "my rows", "--label", "left")
    source = place.declared("shop", "pipeline")["source"]
    assert source == {"url": "sqlite:///shop.db", "query": 'SELECT * FROM "my rows"', "row_number": "row"}
    assert place.problems("shop") == []
    assert place.accept("shop").rejected == 0


def test_password_is_not_written(place, monkeypatch, tmp_path):
    """Where the URL is that of the environment, no file holds it, and the rows are read all the same."""
    with sqlite3.connect(tmp_path / "secret.db") as connection:
        connection.execute("CREATE TABLE t (a REAL, l TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n / 7, left(n)) for n in range(300)])
    url = f"sqlite:///{tmp_path}/secret.db"
    monkeypatch.setenv("HEADRACE_DATABASE", url)
    place.init("shop", "--from", url, "--query", "SELECT * FROM t;", "--label", "l")
    assert place.declared("shop", "pipeline")["source"] == {"query": "SELECT * FROM t", "row_number": "row"}
    assert place.accept("shop").rejected == 0


@pytest.mark.filterwarnings("ignore:Query string argument")  # SQLite has no use for a password
def test_password_among_the_options_of_a_url_is_not_written(place, monkeypatch, tmp_path):
    """`?password=...` is a password as well: it stands in no file, and is not said."""
    monkeypatch.delenv("HEADRACE_DATABASE", raising=False)
    with sqlite3.connect(tmp_path / "secret.db") as connection:
        connection.execute("CREATE TABLE t (a REAL, l TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n / 7, left(n)) for n in range(300)])
    said = place.init(
        "shop", "--from", f"sqlite:///{tmp_path}/secret.db?password=xyzzy", "--table", "t", "--label", "l"
    )
    assert "export HEADRACE_DATABASE=" in said
    assert b"xyzzy" not in said.encode() + b"".join(place.files().values())


def test_params_keep_their_comments(place):
    """Lines are added right below their section's; comments and empty lines stay where they were."""
    params = place.root / "params.yaml"
    params.write_text(
        "# Which.\npipelines:\n  fraud: {source: csv, until: all, tracking: file}   # old\n\n"
        "# Who.\ncandidates:\n  fraud-x: {pipeline: fraud, model: lightgbm}\n"
    )
    write_csv(place.root / "rows.csv", {"a": [n % 9 for n in range(300)], "left": [left(n) for n in range(300)]})
    place.init("shop", "--from", "rows.csv", "--label", "left")
    lines = params.read_text().splitlines()
    assert lines[:7] == [
        "# Which.",
        "pipelines:",
        "  fraud: {source: csv, until: all, tracking: file}   # old",
        "  shop: {source: csv, until: all, tracking: file}",
        "",
        "# Who.",
        "candidates:",
    ]
    assert lines[7] == "  fraud-x: {pipeline: fraud, model: lightgbm}"
    assert all(line.startswith("  shop-") for line in lines[8:])


def test_options_go_before_guesses(place):
    """Task, positive value, key and time are as they are asked for."""
    table = events(2000, 60)
    table["kind"] = [n % 4 for n in range(2000)]
    write_csv(place.root / "rows.csv", table)
    place.init(
        "a", "--from", "rows.csv", "--label", "fraud", "--positive", "0", "--time", "paid_at", "--key", "payment_id"
    )
    assert place.declared("a", "pipeline")["target"]["positive"] == 0
    assert "as --positive says" in place.text("a", "pipeline")


TASKS = {
    "classes": (lambda n: "abc"[n % 3], "multiclass", "log_loss", ["a", "b", "c"]),
    "numbered classes": (lambda n: n % 4, "multiclass", "log_loss", [0, 1, 2, 3]),
    "a number": (lambda n: n * 1.5, "regression", "rmse", None),
    "a whole number": (lambda n: n * 7 % 311, "regression", "rmse", None),
}


@pytest.mark.parametrize(("label", "task", "metric", "values"), TASKS.values(), ids=TASKS)
def test_task_follows_from_the_label(label, task, metric, values, place):
    """Several classes, or a number, are declared with their metric and candidates, and pass the whole check."""
    chance = random.Random(0)
    table = {"x": [chance.random() for _ in range(300)], "y": [label(n) for n in range(300)]}
    write_csv(place.root / "rows.csv", table)
    place.init("shop", "--from", "rows.csv", "--label", "y")
    pipeline = place.declared("shop", "pipeline")
    assert pipeline["target"] == {"column": "y", "task": task, "delay": "0s"}
    assert pipeline["evaluation"]["metric"] == metric
    assert place.declared("shop", "schema")["columns"]["y"].get("values") == values
    assert len(place.params()["candidates"]) == 3
    assert place.all_problems("shop") == []
    assert place.accept("shop").rejected == 0
