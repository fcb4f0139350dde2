"""Raw values in declared types, without loss."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from validation_place import Place, make_schema, moment

from headrace.declaration.rows import Column
from headrace.errors import DataError


def one_column(place: Place, raw: pa.Array, column: Column) -> tuple[list[Any], list[tuple[str | None, str]]]:
    """Validate one column; return its valid values, and the values and reasons of rejected ones."""
    place.write("all", {"id": pa.array(range(len(raw)), pa.int64()), "value": raw})
    place.validate(make_schema(value=column))
    return place.valid()["value"], [cell[2:] for cell in place.cells()]


@pytest.mark.parametrize(
    ("type_name", "taken", "refused"),
    [
        ("integer", {"12": 12, " 12 ": 12, "12.0": 12, "1e3": 1000, "-7": -7}, ["12.5", "abc", "", "9" * 20, "0x1F"]),
        (
            "decimal(6,2)",
            {"1.5": decimal.Decimal("1.50"), "1.500": decimal.Decimal("1.50"), "-9999.99": decimal.Decimal("-9999.99")},
            ["29.855", "10000", "1,5", "nan", "inf"],
        ),
        ("float", {"1.5": 1.5, "1e-3": 0.001, "2": 2.0}, ["inf", "-Infinity", "1e400", "one"]),
        ("boolean", {"true": True, "f": False, "1": True, "0": False}, ["2", "maybe"]),
        (
            "timestamp",
            {
                "2018-04-01 10:00:00": moment("2018-04-01T10:00"),
                "2018-04-01": moment("2018-04-01"),
                "2018-04-01T10:00:00Z": moment("2018-04-01T10:00"),
                "2018-04-01T10:00:00+02:00": moment("2018-04-01T08:00"),
            },
            ["01/04/2018", "2018-02-30", "infinity", "soon"],
        ),
        ("date", {"2018-04-01": dt.date(2018, 4, 1)}, ["2018-04-01 10:00:00", "2018-13-01", "infinity"]),
        ("string", {"": "", " x ": " x "}, []),
    ],
)
def test_a_text_becomes_its_declared_type_or_is_rejected(
    place: Place, type_name: str, taken: dict[str, Any], refused: list[str]
) -> None:
    """Only texts that are wholly a value of the type are taken; the others are quoted in the reason."""
    valid, rejected = one_column(place, pa.array([*taken, *refused]), Column(type=type_name))
    assert valid == list(taken.values())
    assert rejected == [(text, f"'{text}' is no {type_name}") for text in refused]


@pytest.mark.parametrize(
    ("raw", "type_name", "taken", "refused"),
    [
        (pa.array([1.0, 2.5]), "integer", [1], ["2.5"]),
        (
            pa.array([57.16, 57.165, 0.1 + 0.2]),
            "decimal(12,2)",
            [decimal.Decimal("57.16"), decimal.Decimal("0.30")],
            ["57.165"],
        ),
        (pa.array([57.16], pa.float32()), "decimal(12,2)", [decimal.Decimal("57.16")], []),
        (pa.array([2**64 - 1, 5], pa.uint64()), "integer", [5], ["18446744073709551615"]),
        (pa.array([0, 1, 2], pa.int8()), "boolean", [False, True], ["2"]),
        (pa.array([12, 7], pa.int32()), "category", ["12", "7"], []),
        (pa.array([1], pa.timestamp("ns", "Europe/Paris")), "timestamp", [moment("1970-01-01")], []),
        (pa.array(["b", "a"]).dictionary_encode(), "category", ["b", "a"], []),
        (pa.array(["b"], pa.large_string()), "string", ["b"], []),
        (pa.array([True]), "integer", [1], []),
    ],
)
def test_a_typed_value_becomes_its_declared_type_or_is_rejected(
    place: Place, raw: pa.Array, type_name: str, taken: list[Any], refused: list[str]
) -> None:
    """Values of a database or a Parquet file are taken where nothing of them is lost."""
    valid, rejected = one_column(place, raw, Column(type=type_name))
    assert valid == taken
    assert rejected == [(text, f"{text} is no {type_name}") for text in refused]


def test_what_stands_for_a_missing_value_is_missing(place: Place) -> None:
    """Declared texts and NaN become null; a blank that is not declared is no number."""
    column = Column(type="float", nullable=True, null_values=["", "n/a"])
    valid, rejected = one_column(place, pa.array(["1", "", "n/a", "NaN", " ", None]), column)
    assert valid == [1.0, None, None, None, None]
    assert rejected == [(" ", "' ' is no float")]


def test_a_nan_among_numbers_is_a_missing_value(place: Place) -> None:
    """NaN is how pandas says missing."""
    valid, rejected = one_column(place, pa.array([1.0, float("nan")]), Column(type="integer"))
    assert valid == [1]
    assert rejected == [("nan", "nan is missing")]


@given(
    values=st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1e9, max_value=1e9), min_size=1
    )
)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_money_is_exact(tmp_path_factory: pytest.TempPathFactory, values: list[decimal.Decimal]) -> None:
    """A decimal comes out as it went in, as a text and as a binary fraction."""
    for raw in (pa.array([str(value) for value in values]), pa.array([float(value) for value in values])):
        valid, rejected = one_column(Place(tmp_path_factory.mktemp("p") / "x"), raw, Column(type="decimal(12,2)"))
        assert valid == values
        assert rejected == []


@pytest.mark.parametrize(
    "raw", [pa.array([[1]]), pa.array([b"x"]), pa.array([moment("2018-04-01")]), pa.array([dt.date(2018, 4, 1)])]
)
def test_a_type_that_cannot_become_the_declared_one_is_an_error(place: Place, raw: pa.Array) -> None:
    """The message names the part, the column, its type and the declared one."""
    found = re.escape(str(raw.type)).replace("item", r"\w+")
    with pytest.raises(DataError, match=rf"all.parquet: column 'value' holds {found}, which cannot become .* integer"):
        one_column(place, raw, Column(type="integer"))
