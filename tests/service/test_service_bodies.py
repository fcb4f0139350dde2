"""What a request and an answer are, by the declaration of their pipeline."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaged_pipeline import CARDS, CUSTOMERS, card_rows
from pydantic import BaseModel, ValidationError

from headrace.declaration.modelling import Target
from headrace.declaration.rows import Column
from headrace.declaration.types import arrow_schema
from headrace.packaging.columns import request_columns
from headrace.service import Contents, Lineage
from headrace.service.bodies import answer_body, request_body

if TYPE_CHECKING:
    from headrace.declaration.pipeline import PackageConfig

GOOD: dict[str, Any] = {
    "id": 7,
    "paid at": "2024-03-13T08:30:00",
    "card": 3,
    "amount paid": 12.34,
    "kind": "web",
    "country": None,
    "abroad": False,
    "risk": 0.25,
    "born": "1999-12-31",
    "code": "AB12",
    "tries": 2,
}


def contents_of(config: PackageConfig) -> Contents:
    """Return contents whose files do not matter."""
    return Contents(
        pipeline=config.pipeline,
        schema=config.schema,
        features=config.features,
        target=config.target,
        request=request_columns(config.features, config.schema, config.target),
        history_until=None if config.schema.timestamp is None else card_rows()[-1]["paid at"],
        lineage=Lineage(candidate="first", model="0" * 64, rows="1" * 64),
        files={},
    )


CONTENTS = contents_of(CARDS)
REQUEST: type[BaseModel] = request_body(CONTENTS)


def ask(**changed: Any) -> dict[str, Any]:
    """Return what is read of a good request with some values changed; `...` leaves one out."""
    row = {name: value for name, value in {**GOOD, **changed}.items() if value is not ...}
    return REQUEST.model_validate_json(json.dumps({"instance": row})).instance  # type: ignore[attr-defined,no-any-return]


def refusal(body: str) -> list[tuple[str, str]]:
    """Return where and why a body is refused."""
    with pytest.raises(ValidationError) as refused:
        REQUEST.model_validate_json(body)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in refused.value.errors()]


def test_a_valid_row_is_read_as_validation_reads_it() -> None:
    """Every row that may come is taken, with the values and the types that it has in the validated rows."""
    for row in card_rows():
        # Only the last row of the history is followed by requests; these rows are its past, a year later.
        asked = {name: row[name] for name in CONTENTS.request} | {"paid at": row["paid at"].replace(year=2025)}
        sent = {name: float(value) if name == "amount paid" else value for name, value in asked.items()}
        read = REQUEST.model_validate_json(json.dumps({"instance": sent}, default=str)).instance  # type: ignore[attr-defined]
        assert read == asked
        assert [type(value) for value in read.values()] == [type(asked[name]) for name in read]


def test_what_may_be_missing_and_the_key_may_be_left_out() -> None:
    """A column that is nullable need not be sent, nor the key, which no feature reads."""
    row = ask(country=..., risk=..., born=..., tries=..., id=...)
    assert sorted(row) == ["abroad", "amount paid", "card", "code", "kind", "paid at"]


def test_a_time_that_names_its_zone_is_brought_to_utc() -> None:
    """As validation does with the rows."""
    assert ask(**{"paid at": "2024-03-13T08:30:00+02:00"})["paid at"].isoformat() == "2024-03-13T06:30:00"
    assert ask(**{"paid at": "2024-03-13T08:30:00Z"})["paid at"].isoformat() == "2024-03-13T08:30:00"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount paid", -1, "found -1: Input should be greater than or equal to 0"),
        ("amount paid", 5000.5, "found 5000.5: Input should be less than or equal to 5000"),
        ("amount paid", 1.234, "found 1.234: Decimal input should have no more than 2 decimal places"),
        ("amount paid", "1.23", 'found "1.23": Input should be a number'),
        ("amount paid", True, "found true: Input should be a number"),
        ("amount paid", None, "found null: Input should be a number"),
        ("amount paid", float("nan"), "found NaN: Input should be a finite number"),
        ("card", 1.5, "found 1.5: Input should be a valid integer"),
        ("card", "1", 'found "1": Input should be a valid integer'),
        ("card", 2**63, f"found {2**63}: Input should be less than or equal to {2**63 - 1}"),
        ("tries", 4, "found 4: Input should be one of 1, 2, 3"),
        ("tries", True, "found true: Input should be a valid integer"),
        ("kind", "cash", 'found "cash": Input should be one of chip, web'),
        ("risk", 1.5, "found 1.5: Input should be less than or equal to 1"),
        ("risk", float("inf"), "found Infinity: Input should be a finite number"),
        ("abroad", 1, "found 1: Input should be a valid boolean"),
        ("born", "1999-02-30", 'found "1999-02-30": Input should be a valid date or datetime, day value is outside'),
        ("born", 12, "found 12: Input should be a text such as 2018-08-15"),
        ("code", "AB12\n", "found \"AB12\\n\": String should match pattern '^(?:[A-Z]{2}[0-9]+)$'"),
        ("paid at", 1710000000, "found 1710000000: Input should be a text such as 2018-08-15T12:00:00"),
        ("paid at", "1710000000", 'found "1710000000": Input should be a text such as 2018-08-15T12:00:00'),
        ("born", "12.5", 'found "12.5": Input should be a text such as 2018-08-15'),
        ("paid at", "0001-01-01T00:00:00+23:00", "Input should be in the years 1 to 9999, in UTC"),
        ("paid at", "2024-03-12T21:40:00", "Input should be later than 2024-03-12T21:40:00, the last row of the history"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_what_was_found_and_what_would_be_right(column: str, value: Any, said: str) -> None:
    """The message names the column, the value and what it should be."""
    [(where, why)] = refusal(json.dumps({"instance": {**GOOD, column: value}}))
    assert where == f"instance.{column}"
    assert said in why


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A missing column, an unknown one, the label and a wrong value: four lines."""
    row = {name: value for name, value in GOOD.items() if name != "card"} | {"kind": 1, "fraud": 1, "x{y}": 2}
    assert refusal(json.dumps({"instance": row})) == [
        ("instance.card", "missing; it has to be given"),
        ("instance.kind", "found 1: Input should be a valid string"),
        ("instance.fraud", "not known here; leave it out"),
        ("instance.x{y}", "not known here; leave it out"),
    ]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "3", "{}", '{"instance": []}', '{"instance": {}, "x": 1}'])
def test_a_body_that_is_no_request_is_refused(body: str) -> None:
    """Whatever comes, it is an error of the client."""
    assert refusal(body)


def test_a_long_value_is_not_sent_back_whole() -> None:
    """The answer to a wrong request is short."""
    [(_, why)] = refusal(json.dumps({"instance": {**GOOD, "kind": "x" * 100_000}}))
    assert len(why) < 200


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates().map(str)
    | st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)  # fmt: skip


@given(column=st.sampled_from(CONTENTS.request), value=anything)
def test_whatever_is_taken_fits_the_declared_types(column: str, value: Any) -> None:
    """A value is refused, or Arrow has it in the type of its column; nothing is left to fail later."""
    try:
        row = ask(**{column: value})
    except ValidationError:
        return
    schema = arrow_schema({name: CARDS.schema.columns[name] for name in CONTENTS.request})
    assert pa.Table.from_pylist([row], schema=schema).num_rows == 1


def test_the_openapi_document_says_what_is_checked() -> None:
    """Names, types, ranges, sets, patterns and what may be null, in the words of OpenAPI 3.0."""
    instance = REQUEST.openapi_components("predict")["Instance"]  # type: ignore[attr-defined]
    assert list(instance.properties) == list(GOOD)
    assert instance.required == ["paid at", "card", "amount paid", "kind", "abroad", "code"]
    assert instance.additionalProperties is False
    named = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in instance.properties.items()
    }
    assert named["amount paid"] == {"type": "number", "description": "In euros", "minimum": 0, "maximum": 5000}
    assert named["kind"] == {"type": "string", "enum": ["chip", "web"]}
    assert named["tries"] == {"type": "integer", "enum": [1, 2, 3, None], "nullable": True}
    assert named["code"] == {"type": "string", "pattern": "^(?:[A-Z]{2}[0-9]+)$"}
    assert named["born"] == {"type": "string", "format": "date", "nullable": True}
    assert named["abroad"] == {"type": "boolean"}
    assert named["paid at"]["format"] == "date-time"
    assert "2024-03-12T21:40:00" in named["paid at"]["description"]


@pytest.mark.parametrize(
    ("positive", "label", "expected"),
    [
        (1, Column(type="integer", values=[0, 1]), (0, 1)),
        ("Yes", Column(type="category", values=["No", "Yes"]), ("No", "Yes")),
        ("No", Column(type="category", values=["No", "Yes"]), ("Yes", "No")),
        (True, Column(type="boolean"), (False, True)),
        ("a", Column(type="category", values=["a", "b", "c"]), (0, 1)),
        (1, Column(type="integer"), (0, 1)),
    ],
)
def test_a_prediction_is_a_value_of_the_label(positive: Any, label: Column, expected: tuple[Any, Any]) -> None:
    """Where the label has two values these are predicted, otherwise 0 and 1."""
    contents = contents_of(CUSTOMERS)
    schema = dataclasses.replace(contents.schema, columns={**contents.schema.columns, "left": label})
    target = Target(column="left", positive=positive, delay="0s")
    found = dataclasses.replace(contents, schema=schema, target=target).task.classes
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_an_answer_has_named_fields() -> None:
    """Clients are told what the numbers are."""
    described = answer_body(CONTENTS).model_json_schema()["properties"]
    assert described["prediction"]["enum"] == [0, 1]
    assert described["probability"]["maximum"] == 1
    assert set(described) == {
        "prediction", "probability", "decision", "rule", "model_version", "variant", "request_id", "latency_ms",
        "base_value", "contributions",
    }  # fmt: skip
    assert described["decision"]["enum"] == ["allow", "review", "block"]
