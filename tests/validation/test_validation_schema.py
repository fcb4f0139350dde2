"""A schema is judged before any row is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from validation_place import make_schema

from headrace.declaration.rows import Column, Limits, Schema
from headrace.declaration.types import arrow_type, duckdb_type, python_type
from headrace.errors import ConfigError
from headrace.validation import check_schema

ROOT = Path(__file__).parents[2]


def read_schema(pipeline: str) -> Schema:
    """Return the schema of one of our pipelines."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "pipelines" / pipeline / "schema.yaml").read_text())
    columns = {name: Column(**column) for name, column in content.pop("columns").items()}
    return Schema(columns=columns, limits=Limits(**content.pop("limits")), **content)


@pytest.mark.parametrize("pipeline", ["fraud", "churn"])
def test_our_schemas_are_right(pipeline: str) -> None:
    """There is nothing to say about the pipelines that we ship."""
    assert check_schema(read_schema(pipeline)) == []


@pytest.mark.parametrize(
    ("column", "key", "message"),
    [
        ({"type": "text"}, "type", "'text' is no type; choose one of string, integer"),
        ({"type": "decimal"}, "type", "such as decimal(12,2)"),
        ({"type": "decimal(2,3)"}, "type", "decimals from 0 to the digits"),
        ({"type": "decimal(39,0)"}, "type", "digits go from 1 to 38"),
        ({"type": "float", "minimum": 2, "maximum": 1}, "minimum", "2 is above the maximum 1"),
        ({"type": "string", "maximum": 1}, "maximum", "only numbers have a maximum"),
        ({"type": "string", "pattern": "(a"}, "pattern", "'(a' is no regular expression"),
        ({"type": "integer", "pattern": "a"}, "pattern", "only a string or a category has a pattern"),
        ({"type": "category", "values": []}, "values", "is empty"),
        ({"type": "category", "values": ["No", True]}, "values[1]", "True is no category; write it in quotes"),
        ({"type": "integer", "values": [1, 1.5]}, "values[1]", "1.5 is no integer"),
        ({"type": "decimal(3,1)", "values": [0.25]}, "values[0]", "it has more decimals"),
    ],
)
def test_a_column_that_makes_no_sense_is_named(column: dict[str, Any], key: str, message: str) -> None:
    """By its dotted key, with what would be right."""
    ((found, said),) = check_schema(make_schema(value=Column(**column)))
    assert found == f"columns.value.{key}"
    assert message in said


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("amont > 1", "names 'amont', which is none of the columns; did you mean amount? known are: amount, id"),
        ("amount >", "is no SQL condition: syntax error"),
        ("amount", "is a DOUBLE; a condition is true or false"),
        ("sum(amount) > 1", "is taken over several rows"),
        ("amount > (SELECT 1)", "leave the subquery out"),
        ("row_number() OVER () > 1", "leave the window out"),
        ("1 = 1", "names no column"),
        ("1); DROP TABLE x; --", "is no SQL condition"),
        ("id > 1) FROM read_csv('/etc/passwd') --", "Cannot access file"),
    ],
)
def test_a_condition_is_one_that_sql_can_tell_of_a_row(condition: str, message: str) -> None:
    """It is bound against an empty table of the declared types."""
    ((key, said),) = check_schema(make_schema(amount=Column(type="float"), checks={"rule": condition}))
    assert key == "checks.rule"
    assert message in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A schema with several mistakes has a line for each."""
    schema = Schema(
        key="ide",
        timestamp="day",
        columns={"id": Column(type="integer"), "day": Column(type="date", nullable=True), "ID": Column(type="string")},
        limits=Limits(rejected_share=2, minimum_rows=5, maximum_rows=4, null_share={"di": 0.1, "id": 7}, mean_shift=0),
    )
    assert [key for key, _ in check_schema(schema)] == [
        "key",
        "columns.day.nullable",
        "columns.day.type",
        "columns.ID",
        "limits.rejected_share",
        "limits.maximum_rows",
        "limits.null_share.di",
        "limits.null_share.id",
        "limits.mean_shift",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("string", "string VARCHAR str"),
        ("category", "string VARCHAR str"),
        ("integer", "int64 BIGINT int"),
        ("float", "double DOUBLE float"),
        ("decimal(12,2)", "decimal128(12, 2) DECIMAL(12,2) Decimal"),
        ("boolean", "bool BOOLEAN bool"),
        ("timestamp", "timestamp[us] TIMESTAMP datetime"),
        ("date", "date32[day] DATE date"),
    ],
)
def test_a_type_has_a_name_in_each_library(name: str, words: str) -> None:
    """Arrow's, DuckDB's and Python's."""
    assert f"{arrow_type(name)} {duckdb_type(name)} {python_type(name).__name__}" == words


def test_an_unknown_type_is_an_error_everywhere() -> None:
    """Whichever library is asked."""
    for translate in (arrow_type, duckdb_type, python_type):
        with pytest.raises(ConfigError, match="'number' is no type"):
            translate("number")
