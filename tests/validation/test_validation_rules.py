"""What is rejected, and why it says so."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from validation_place import Place, days, make_schema, moment

from headrace.declaration.rows import Column
from headrace.validation import reading


@pytest.mark.parametrize(
    ("column", "values", "kept", "rejected"),
    [
        (Column(type="integer", minimum=0, maximum=9), [5, -1, 10], [5], ["-1 is below the minimum 0", "10 is above the maximum 9"]),
        (Column(type="decimal(4,2)", minimum=0.1), ["0.10", "0.09"], None, ["'0.09' is below the minimum 0.1"]),
        (Column(type="float", nullable=True, maximum=1), [None, 1.0, 1.5], [None, 1.0], ["1.5 is above the maximum 1"]),
        (Column(type="integer", values=[0, 1]), [1, 2], [1], ["2 is none of 0, 1"]),
        (Column(type="category", values=["No", "Yes"]), ["No", "no"], ["No"], ["'no' is none of No, Yes"]),
        (Column(type="string", pattern="[a-c]{2}|x"), ["ab", "abc", "x", "xx"], ["ab", "x"], ["'abc' does not match [a-c]{2}|x", "'xx' does not match [a-c]{2}|x"]),
        (Column(type="string"), ["a", None], ["a"], ["is missing"]),
        (Column(type="integer", minimum=5, values=[7]), [7, 3], [7], ["3 is below the minimum 5; 3 is none of 7"]),
    ],
)  # fmt: skip
def test_a_value_that_breaks_a_rule_is_rejected(
    place: Place, column: Column, values: list[Any], kept: list[Any] | None, rejected: list[str]
) -> None:
    """Its reason says which rule; two rules broken by one value are one line."""
    place.write("all", {"id": range(len(values)), "value": values})
    place.validate(make_schema(value=column))
    assert [reason for *_, reason in place.cells()] == rejected
    assert kept is None or place.valid()["value"] == kept


def test_all_that_is_wrong_with_a_row_is_said(place: Place) -> None:
    """Each cell has its line, with the row's number in the raw part and the raw value; conditions have theirs."""
    place.write("all", {"id": ["1", "2", "x"], "a": ["5", "-1", "?"], "b": ["1", "7", "2"]})
    schema = make_schema(
        a=Column(type="integer", minimum=0), b=Column(type="integer"), checks={"ordered": "b <= a", "small": "b < 9"}
    )
    summary = place.validate(schema)
    assert place.valid() == {"id": [1], "a": [5], "b": [1]}
    assert place.cells() == [
        (2, "a", "-1", "'-1' is below the minimum 0"),
        (2, "a, b", "-1, 7", "breaks ordered: b <= a"),
        (3, "id", "x", "'x' is no integer"),
        (3, "a", "?", "'?' is no integer"),
    ]
    assert (summary.rows, summary.rejected) == (3, 2)


def test_a_condition_that_sql_cannot_tell_holds(place: Place) -> None:
    """Like a CHECK in SQL: null is no violation."""
    place.write("all", {"id": [1, 2], "a": [None, 1]})
    place.validate(make_schema(a=Column(type="integer", nullable=True), checks={"positive": "a > 0"}))
    assert place.cells() == []


def test_the_first_valid_row_with_a_key_stands(place: Place) -> None:
    """Rows that repeat a key of an earlier part or row are rejected and name it; an invalid row does not count."""
    one, two = days(2)
    at = [moment(f"{one}T08:00")]
    next_day = [moment(f"{two}T08:00")]
    schema = make_schema("at", at=Column(type="timestamp"), value=Column(type="integer", minimum=0))
    place.write(one, {"id": [1, 2, 3, 1], "at": at * 4, "value": [1, -1, 1, 1]})
    place.write(two, {"id": [2, 3, 4, 2], "at": next_day * 4, "value": [1, 1, 1, 1]})
    place.validate(schema)
    assert place.valid(one)["id"] == [1, 3]
    assert place.valid(two)["id"] == [2, 4]
    assert place.cells(one) == [
        (2, "value", "-1", "-1 is below the minimum 0"),
        (4, "id", "1", f"1 is a duplicate of the one in row 1 of {one}"),
    ]
    assert place.cells(two) == [
        (2, "id", "3", f"3 is a duplicate of the one in row 3 of {one}"),
        (4, "id", "2", f"2 is a duplicate of the one in row 1 of {two}"),
    ]
    assert place.counts()["rules"]["id: unique"] == 3
    assert place.counts()["parts"][two] == {
        "rows": 4, "rejected": 2, "missing": {}, "means": {"id": 3.0, "value": 1.0}, "mean_shift": {}
    }  # fmt: skip


def test_a_unique_column_is_unique_among_rows_whose_keys_are(place: Place) -> None:
    """A missing value repeats nothing."""
    place.write("all", {"id": [1, 1, 2, 3, 4], "code": ["a", "b", "b", None, None]})
    place.validate(make_schema(code=Column(type="string", unique=True, nullable=True)))
    assert place.valid() == {"id": [1, 2, 3, 4], "code": ["a", "b", None, None]}


def test_rows_without_a_day_are_all_rejected(place: Place) -> None:
    """The part of rows whose time could not be read has no valid rows, and no part among the valid ones."""
    (day,) = days(1)
    schema = make_schema("at", at=Column(type="timestamp"))
    place.write(day, {"id": ["1", "2"], "at": [f"{day} 08:00", "2018-05-01 08:00"]})
    place.write("undated", {"id": ["3", "4", "5"], "at": ["soon", None, "2018-04-01"]})
    place.validate(schema)
    assert [path.stem for path in place.validated.iterdir()] == [day]
    assert place.cells(day) == [(2, "at", "2018-05-01 08:00", "'2018-05-01 08:00' is not on the day of its part")]
    assert [cell[3] for cell in place.cells("undated")] == [
        "'soon' is no timestamp", "is missing", "'2018-04-01' is not on the day of its part"
    ]  # fmt: skip


CELL = st.sampled_from(["0", "1", "2", "3", "x", "", None])


@given(
    parts=st.lists(st.lists(st.tuples(CELL, CELL, CELL), max_size=8), min_size=1, max_size=4), batch=st.integers(1, 9)
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_either_valid_or_rejected(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    parts: list[list[tuple[str | None, ...]]],
    batch: int,
) -> None:
    """However parts are cut into batches, the outcome is that of a loop over single rows in Python."""
    monkeypatch.setattr(reading, "BATCH_ROWS", batch)
    place = Place(tmp_path_factory.mktemp("rows") / "p")
    for index, rows in enumerate(parts):
        columns = zip(*rows, strict=True) if rows else ([], [], [])
        arrays = [pa.array(list(column), pa.string()) for column in columns]
        place.write(f"part{index}", pa.table(arrays, names=["id", "a", "b"]))
    schema = make_schema(
        a=Column(type="integer", minimum=1, null_values=[""], nullable=True),
        b=Column(type="integer", values=[0, 1, 2]),
        checks={"ordered": "b <= a"},
    )
    place.validate(schema)
    seen: set[str] = set()
    for index, rows in enumerate(parts):
        kept = [row for row in rows if _is_valid(*row, seen)]
        valid = place.valid(f"part{index}")
        assert [tuple(row) for row in zip(*valid.values(), strict=True)] == [
            (int(key or ""), int(a) if a else None, int(b or "")) for key, a, b in kept
        ]
        rejected = {cell[0] for cell in place.cells(f"part{index}")}
        assert len(rejected) == len(rows) - len(kept)
        assert place.counts()["parts"][f"part{index}"]["rejected"] == len(rejected)


def _is_valid(key: str | None, a: str | None, b: str | None, seen: set[str]) -> bool:
    numbers = set("0123")
    if key not in numbers or b not in set("012") or (a not in numbers and a) or a == "0":
        return False
    if (a and b > a) or key in seen:
        return False
    seen.add(key)
    return True
