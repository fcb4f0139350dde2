"""Rows from CSV files, whole ones and broken ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headrace.errors import SourceError
from headrace.sources import Csv

CHURN = Path(__file__).parents[2] / "data/churn/source/telco_churn.csv"
BROKEN = {
    "a value too many": (b"id,moment\n1,2018-04-01\n2,2018-04-01,x\n", "line 3: 3 values for 2 columns"),
    "a value too few": (b"id,moment\n1,2018-04-01\n2\n3,2018-04-02\n", "line 3: 1 values for 2 columns"),
    "an open quote": (b'id,moment\n1,"2018-04-01\n2,2018-04-02\n', "line 2: a quote"),
    "text after a quote": (b'id,moment\n1,"2018"-04-01\n2,2018-04-02\n', "line 2: a quote"),
    "a broken line below a value of two lines": (b'id,moment\n"1\n1",2018-04-01\n2\n', "line 4: 1 values"),
    "another encoding": ("id,moment\n1,2018-04-01\ncafé,2018-04-02\n".encode("latin-1"), "line 3: not UTF-8"),
    "another encoding of the names": (
        "id,cafés\n1,2\n".encode("latin-1"),
        "line 1: the column names are not text in UTF-8",
    ),
    "a name of two lines": (
        b'id,"the\nmoment"\n1,2018-04-01\n',
        "line 1: the column name 'the\\nmoment' holds a line break",
    ),
    "two bytes a letter": ("id,moment\n1,2018-04-01\n".encode("utf-16"), "line 1: the column names are not text"),
    "nothing at all": (b"", "the file is empty"),
    "names alone": (b"id,moment\n", "there are no rows below the line of column names"),
    "a name twice": (b"id,moment,id\n1,2018-04-01,1\n", "two columns are named 'id'"),
    "line ends of two kinds": (b"id,moment\r\n1,2018-04-01\n2,2018-04-01\r\n", "not CSV in UTF-8"),
    "a zip archive": (b"PK\x03\x04\x00\x00" + bytes(range(256)) * 9, "not"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_broken_file_is_refused(content: bytes, said: str, tmp_path: Path, run, raw):
    """A file that is not whole CSV is refused with its name and the line, and nothing is written."""
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        run({"_target_": "headrace.sources.Csv", "path": str(path)})
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert "\n" not in message
    assert not raw.exists()


def test_broken_line_deep_in_a_large_file_is_found(tmp_path: Path):
    """The line is the right one where DuckDB reads a file in parallel pieces, and there are several faults."""
    lines = [f'{number},"row, {number}"' for number in range(300_000)]
    lines[200_000] = "x"
    lines[250_000] = 'y,"a'
    path = tmp_path / "large.csv"
    path.write_text("id,name\n" + "\n".join(lines) + "\n")
    with pytest.raises(SourceError, match="line 200002: 1 values for 2 columns; line 250002: a quote"):
        list(Csv(path=str(path)).read(None, None))


@pytest.mark.parametrize("name", ["the\u00a0amount", "\u3000\u91d1\u984d", "\ufeff"])
def test_names_with_spaces_of_all_kinds_are_read(name: str, tmp_path: Path):
    """A name is what the file says, with the spaces that spreadsheets write."""
    path = tmp_path / "rows.csv"
    path.write_text(f"id,{name}\n1,2\n", encoding="utf-8")
    assert next(Csv(path=str(path)).read(None, None)).column_names == ["id", name]


def test_missing_file_names_its_neighbours(tmp_path: Path):
    """A path that is not there is refused with the closest name that is."""
    (tmp_path / "customers.csv").touch()
    with pytest.raises(SourceError, match=r"no such file; did you mean customers\.csv\? .* holds: customers\.csv"):
        list(Csv(path=str(tmp_path / "customer.csv")).read(None, None))


def test_missing_key_names_the_columns(tmp_path: Path, run):
    """A key that is no column is refused with the closest column and all of them."""
    path = tmp_path / "rows.csv"
    path.write_text("Id,moment\n1,2018-04-01\n")
    with pytest.raises(SourceError, match=r"there is no column 'id'; did you mean Id\? there are: Id, moment"):
        run({"_target_": "headrace.sources.Csv", "path": str(path)})


def test_values_stay_text_and_rows_in_order(tmp_path: Path, run, raw):
    """Rows without a time are one part: all text, quotes undone, an empty value missing, in the file's order."""
    path = tmp_path / "rows.csv"
    path.write_text('\ufeffid,name,price\r\n007,"a ""b"", c",1.50\r\n3,,1e3\r\n')
    run({"_target_": "headrace.sources.Csv", "path": str(path), "rename": {"price": "amount"}}, timestamp=None)
    assert pq.read_table(raw / "all.parquet").to_pylist() == [
        {"id": "007", "name": 'a "b", c', "amount": "1.50"},
        {"id": "3", "name": None, "amount": "1e3"},
    ]


def test_time_that_names_its_zone_is_the_same_on_every_machine(tmp_path: Path):
    """A declared form with an offset is brought to UTC, wherever the machine is."""
    path = tmp_path / "rows.csv"
    path.write_text("id,at\n1,01/02/2024 10:00 +0200\n")
    code = f"from headrace.sources import Csv; print(*Csv(path={str(path)!r}, times={{'at': '%d/%m/%Y %H:%M %z'}}).read(None, None))"
    for zone in ("UTC", "Asia/Tokyo"):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True)
        assert "2024-02-01 08:00:00" in done.stdout, zone


def test_renaming_an_unknown_column_is_refused(tmp_path: Path):
    """A renamed column has to be there."""
    path = tmp_path / "rows.csv"
    path.write_text("id,price\n1,2\n")
    with pytest.raises(SourceError, match="rename: there is no column 'prices'; did you mean price"):
        list(Csv(path=str(path), rename={"prices": "amount"}).read(None, None))


@pytest.mark.skipif(not CHURN.exists(), reason="the churn table is not here")
def test_churn_table_is_read_whole(run, raw):
    """The table that comes with the project has its 7,043 rows and its blanks."""
    ingested = run({"_target_": "headrace.sources.Csv", "path": str(CHURN)}, key="customerID", timestamp=None)
    assert str(ingested) == "7,043 rows"
    table = pq.read_table(raw / "all.parquet")
    assert table.num_columns == 21
    assert table["TotalCharges"].to_pylist().count(" ") == 11
