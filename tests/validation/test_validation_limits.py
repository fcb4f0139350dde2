"""Limits, broken inputs, and what stands after a failure."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from validation_place import Place, days, make_schema, moment

from headrace.declaration.rows import Column, Limits, Schema
from headrace.errors import DataError, IntegrityError, ValidationError

ROWS = 40


def dated(**limits: Any) -> Schema:
    """Return the schema of dated rows with an amount."""
    schema = make_schema(
        "at",
        at=Column(type="timestamp"),
        amount=Column(type="decimal(12,2)"),
        note=Column(type="string", nullable=True),
    )
    schema.limits = Limits(**limits)
    return schema


def write_day(place: Place, day: str, first: int, rows: int = ROWS, **columns: list[Any]) -> None:
    """Write a day of rows with keys from `first` on; columns given replace the usual ones, None leaves one out."""
    usual: dict[str, Any] = {
        "id": list(range(first, first + rows)),
        "at": pa.array([moment(f"{day}T08:00")] * rows, pa.timestamp("us")),
        "amount": [f"{10 + number}.50" for number in range(rows)],
        "note": ["fine"] * rows,
    }
    place.write(day, {name: values for name, values in {**usual, **columns}.items() if values is not None})


def test_past_a_limit_everything_is_said_at_once_and_what_stood_before_stands(place: Place) -> None:
    """A line for each limit; the rejects and the counts of the failed run are kept apart until one succeeds."""
    first, second, third = days(3)
    schema = dated(rejected_share=0.1, minimum_rows=30, maximum_rows=50, null_share={"note": 0.5})
    write_day(place, first, 0)
    place.validate(schema)
    before = place.files()

    write_day(place, second, 100, rows=60, amount=["x"] * 60)
    write_day(place, third, 200, rows=10, note=[None] * 9 + [""])
    with pytest.raises(ValidationError) as error:
        place.validate(schema)
    another_type = ": has it another type now, or another column's values?"
    assert str(error.value).splitlines() == [
        f"limits are passed: what stood before stands, and the rejected rows are in {place.failed}",
        f"{second}: column 'amount' has 60 values and none is a decimal(12,2){another_type}",
        f"{second}: 60 rows; limits.maximum_rows is 50",
        f"{third}: 10 rows; limits.minimum_rows is 30",
        f"{third}: column 'note' is missing in 90 % of 10 rows; limits.null_share.note is 50 %",
        "all parts: 60 of 110 rows are rejected, 54.5 %; limits.rejected_share is 10 %; amount: type (60)",
    ]
    assert place.files() == before
    assert not list(place.folder.glob(".*"))
    rejected = pq.read_table(place.failed / f"{second}.parquet")
    assert rejected.num_rows == 60
    assert rejected.slice(0, 1).to_pylist() == [
        {"row": 1, "column": "amount", "value": "x", "reason": "'x' is no decimal(12,2)"}
    ]
    assert len(json.loads((place.failed / "validation.json").read_text())["passed_limits"]) == 5

    (place.raw / f"{second}.parquet").unlink()
    (place.raw / f"{third}.parquet").unlink()
    place.validate(schema)
    assert place.files() == before
    assert not place.failed.exists()


def test_a_limit_that_is_passed_in_many_parts_is_said_of_the_first(place: Place) -> None:
    """The others are counted, and listed in the JSON file."""
    names = days(10)
    for number, day in enumerate(names):
        write_day(place, day, number * 100, amount=[None] * ROWS)
    with pytest.raises(ValidationError) as error:
        place.validate(dated(rejected_share=1.0))
    lines = str(error.value).splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == [*names[:3], "and 7 more parts"]
    assert len(json.loads((place.failed / "validation.json").read_text())["passed_limits"]) == 10


def test_a_column_that_is_all_null_is_one_message(place: Place) -> None:
    """Where it may not be empty, however many rows may be rejected."""
    day = days(1)[0]
    write_day(place, day, 0, amount=pa.nulls(ROWS))
    with pytest.raises(ValidationError, match=rf"{day}: column 'amount' is empty in all {ROWS} rows"):
        place.validate(dated(rejected_share=1.0))
    write_day(place, day, 0, note=pa.nulls(ROWS))
    assert place.validate(dated()).rejected == 0


def test_an_empty_day_is_an_error_unless_it_is_allowed(place: Place) -> None:
    """With minimum_rows 0 it is a valid part without rows, in the declared types."""
    first, second = days(2)
    write_day(place, first, 0)
    write_day(place, second, 0, rows=0)
    with pytest.raises(ValidationError, match=rf"{second}: 0 rows; limits.minimum_rows is 1"):
        place.validate(dated(minimum_rows=1))
    assert str(place.validate(dated(minimum_rows=0))) == "40 rows in 2 parts, 0 rejected (0 %)"
    empty = pq.read_table(place.validated / f"{second}.parquet")
    assert empty.num_rows == 0
    assert empty.schema.equals(pq.read_table(place.validated / f"{first}.parquet").schema)


def test_a_missing_or_renamed_column_is_named_with_what_is_there(place: Place) -> None:
    """Once for all parts that lack it, with the column that it may have become."""
    first, second = days(2)
    for day in (first, second):
        write_day(place, day, 0, amount=None, Amounts=["1"] * ROWS)
    with pytest.raises(DataError) as error:
        place.validate(dated())
    assert str(error.value) == (
        f"{place.raw}/{first}.parquet and 1 other part: has no column 'amount', which schema.yaml declares;"
        " did you mean Amounts? found id, at, note, Amounts"
    )


def test_columns_that_are_not_declared_are_left_out_and_said(place: Place) -> None:
    """They are in neither the valid rows nor the way."""
    day = days(1)[0]
    write_day(place, day, 0, extra=[[1]] * ROWS)
    summary = place.validate(dated())
    assert str(summary).endswith("; left out, for schema.yaml does not declare: extra")
    assert list(place.valid(day)) == ["id", "at", "amount", "note"]
    assert place.counts()["left_out_columns"] == ["extra"]


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied"])
def test_a_damaged_part_is_named(place: Place, damage: str) -> None:
    """A file cut short, and one with a wrong byte among its values; what stood before stands."""
    first, second = days(2)
    write_day(place, first, 0)
    place.validate(dated())
    before = place.files()
    path = place.write(
        second,
        {
            "id": range(ROWS),
            "at": pa.array([moment(f"{second}T08:00")] * ROWS, pa.timestamp("us")),
            "amount": [1.5] * ROWS,
            "note": ["fine"] * ROWS,
        },
        write_page_checksum=True,
    )
    content = bytearray(path.read_bytes())
    if damage == "overwritten":
        content[60] ^= 255
    path.write_bytes({"cut": content[: len(content) // 2], "overwritten": content, "emptied": b""}[damage])
    with pytest.raises(IntegrityError, match=rf"{second}.parquet: is no whole Parquet file"):
        place.validate(dated())
    assert place.files() == before


def test_a_folder_without_parts_says_which_stage_makes_them(place: Place) -> None:
    """There is nothing to validate before the ingest stage ran."""
    with pytest.raises(DataError, match="run the ingest stage first"):
        place.validate(dated())


def test_the_same_rows_give_the_same_bytes(place: Place) -> None:
    """Again, and for the earlier days when a day is added or another one changes: DVC keeps each day once."""
    names = days(6)
    for number, day in enumerate(names[:5]):
        write_day(place, day, number * 100, note=["a", None] * (ROWS // 2))
    place.validate(dated())
    before = place.files()
    place.validate(dated())
    assert place.files() == before
    write_day(place, names[5], 500, rows=7)
    write_day(place, names[2], 200, amount=["bad"] + ["1"] * (ROWS - 1))
    place.validate(dated(rejected_share=0.5))
    after = place.files()
    assert {name for name, content in before.items() if content != after[name]} == {
        f"validated/{names[2]}.parquet", "validation.json"
    }  # fmt: skip


def test_a_shift_of_the_mean_stops_only_on_the_newest_days(place: Place) -> None:
    """It is recorded for every day; without a limit nothing stops."""
    names = days(40)
    random = np.random.default_rng(0)
    for number, day in enumerate(names):
        level = 500 if number in (20, 38) else 50
        amounts = [f"{amount:.2f}" for amount in random.normal(level, 5, ROWS)]
        write_day(place, day, number * 100, amount=amounts)
    place.validate(dated())
    parts = place.counts()["parts"]
    assert parts[names[20]]["mean_shift"]["amount"] > 50
    assert abs(parts[names[30]]["mean_shift"]["amount"]) < 8
    assert "id" not in parts[names[30]]["mean_shift"]
    with pytest.raises(ValidationError) as error:
        place.validate(dated(mean_shift=8))
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{names[38]}: column 'amount' has a mean")
