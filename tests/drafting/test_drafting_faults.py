"""What cannot be made a pipeline is refused with words that help, and nothing is written."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest

ROWS = "".join(f"{n},{n % 7},{'yes' if n % 3 == 0 else 'no'}\n" for n in range(200))
GOOD = f"id,visits,left\n{ROWS}"

BROKEN = {
    "an empty file": ("", "left", ["rows.csv: the file is empty; it needs a line of column names, and rows"]),
    "names alone": ("id,visits,left\n", "left", ["rows.csv: there are no rows below the line of column names"]),
    "a constant label": (
        "id,left\n" + "".join(f"{n},no\n" for n in range(50)),
        "left",
        ["label 'left': is 'no' in all rows; there is nothing to learn"],
    ),
    "a label without values": (
        "id,visits,left\n" + "".join(f"{n},{n % 7},\n" for n in range(50)),
        "left",
        ["label 'left': no row has a value; name another column with --label"],
    ),
    "a label of many texts": (
        "id,name\n" + "".join(f"{n % 5},person {n}\n" for n in range(200)),
        "name",
        ["label 'name': has 200 different texts: no numbers, and above 50 classes"],
    ),
    "a name twice": (f"id,left,left\n{ROWS}", "left", ["rows.csv: two columns are named 'left'"]),
    "a name twice but for its case": (
        f"id,Left,left\n{ROWS}",
        "left",
        ["two columns are named 'Left' and 'left', which SQL does not tell apart; rename one"],
    ),
    "an unknown label": (GOOD, "lefd", ["--label: ", "has no column 'lefd'; did you mean left? there are: id, visits"]),
    "a class of one row": (
        "id,visits,left\n" + "".join(f"{n},{n % 7},{'yes' if n == 5 else 'no'}\n" for n in range(200)),
        "left",
        ["label 'left': only 1 row is 'yes'; that is too few to train and to judge on"],
    ),
    "nothing to learn from": (
        "id,left\n" + "".join(f"{n},{'yes' if n % 3 == 0 else 'no'}\n" for n in range(200)),
        "left",
        ["no column is left to learn from"],
    ),
    "a broken line": (GOOD + "1,2\n", "left", ["rows.csv: line 202: 2 values for 3 columns"]),
}


@pytest.mark.parametrize(("content", "label", "says"), BROKEN.values(), ids=BROKEN)
def test_rows_that_are_none_are_refused(content: str, label: str, says: list[str], place):
    """A table from which nothing can be learned is refused in one line, and no file is touched."""
    (place.root / "rows.csv").write_text(content)
    said = place.refused("shop", "--from", "rows.csv", "--label", label)
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    for words in says:
        assert words in said


ASKED = {
    "a name with a space": (["my shop"], "'my shop' is no name of a pipeline: a name is letters, digits, - and _"),
    "a name that starts with a digit": (["1shop"], "a name is letters, digits, - and _, and starts with a letter"),
    "a file that is away": (["shop", "--from", "row.csv"], "row.csv: there is no such file; did you mean rows.csv?"),
    "a task that is none": (["shop", "--task", "multi"], "--task: 'multi' is none; did you mean multiclass?"),
    "a task that does not fit": (["shop", "--task", "regression"], "--task: regression predicts numbers; 'left' is a"),
    "a positive that is none": (["shop", "--positive", "maybe"], "--positive: 'maybe' is no value of 'left'"),
    "a key that is none": (["shop", "--key", "ids"], "--key: there is no column 'ids'; did you mean id?"),
    "a key that repeats": (["shop", "--key", "visits"], "--key: 'visits' is 0 in 29 rows; a key is unique to its row"),
    "a time that is none": (["shop", "--time", "visits"], "--time: 'visits' is a integer; it has to hold times"),
    "an encoding that is none": (["shop", "--encoding", "utf9"], "--encoding: 'utf9' is none"),
    "a table of a file": (["shop", "--table", "rows"], "--table: goes with a database; 'rows.csv' is no URL"),
    "a database without a table": (["shop", "--from", "sqlite:///some.db"], "--table, --query: name one of the two"),
    "a database that is away": (
        ["shop", "--from", "postgresql://me:secret@localhost:1/x", "--table", "rows"],
        "postgresql+psycopg://me:***@localhost:1/x: ",
    ),
    "a table that is away": (["shop", "--from", "sqlite:///some.db", "--table", "rows"], "no such table: rows"),
    "a file of a database that is away": (
        ["shop", "--from", "sqlite:///sone.db", "--table", "rows"],
        "sone.db: there is no such file; did you mean some.db?",
    ),
}


@pytest.mark.parametrize(("arguments", "says"), ASKED.values(), ids=ASKED)
def test_what_is_asked_for_and_does_not_fit_is_refused(arguments: list[str], says: str, place):
    """A wrong name, source or option is refused with what would be right."""
    (place.root / "rows.csv").write_text(GOOD)
    sqlite3.connect(place.root / "some.db").execute("CREATE TABLE others (id INTEGER)")
    given = [*arguments, *([] if "--from" in arguments else ["--from", "rows.csv"]), "--label", "left"]
    said = place.refused(*given)
    assert says in said
    assert "secret" not in said


def test_what_exists_is_not_overwritten(place):
    """A name that is taken is refused, be it in params.yaml or as a folder."""
    (place.root / "rows.csv").write_text(GOOD)
    place.init("shop", "--from", "rows.csv", "--label", "left")
    said = place.refused("shop", "--from", "rows.csv", "--label", "left")
    assert "params.yaml: pipelines.shop: is there already; choose another name" in said
    (place.root / "data" / "other" / "raw").mkdir(parents=True)
    said = place.refused("other", "--from", "rows.csv", "--label", "left")
    assert "data/other/: is there already; choose another name" in said


def test_parameters_that_are_no_sections_are_refused(place):
    """A list says nothing of pipelines."""
    (place.root / "rows.csv").write_text(GOOD)
    (place.root / "params.yaml").write_text("- shop\n")
    said = place.refused("shop", "--from", "rows.csv", "--label", "left")
    assert "params.yaml: found a list or a word; it has the sections pipelines and candidates" in said


def test_a_failure_while_writing_leaves_nothing(place, monkeypatch):
    """When the last file cannot be written, the folders that were made for the pipeline are gone again."""
    (place.root / "rows.csv").write_text(GOOD)
    monkeypatch.setattr("headrace.drafting.laying.add_parameters", lambda *_: "\udcff")  # a text that no file takes
    before = place.files()
    with pytest.raises(UnicodeEncodeError):
        place.init("shop", "--from", "rows.csv", "--label", "left")
    assert place.files() == before


def test_moments_of_the_message_are_days(place):
    """A time that spans too little is refused where it is asked for, with its span."""
    start = dt.datetime(2024, 1, 1)  # noqa: DTZ001
    rows = "".join(f"{n},{start + dt.timedelta(minutes=n)},{n % 7},{n % 2}\n" for n in range(300))
    (place.root / "rows.csv").write_text(f"id,at,visits,left\n{rows}")
    said = place.refused("shop", "--from", "rows.csv", "--label", "left", "--time", "at")
    assert "--time: 'at' spans 1 days: too few to split by time" in said
