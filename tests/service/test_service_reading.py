"""The fast reading of requests: what it takes, pydantic takes to the same values."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaged_pipeline import CARDS, card_rows
from pydantic import TypeAdapter, ValidationError

from headrace.service import read_contents
from headrace.service.bodies import instance_type
from headrace.service.contents import Contents, Lineage
from headrace.service.reading import Reader, Unread

if TYPE_CHECKING:
    from packaged_pipeline import Place

CONTENTS = Contents(
    pipeline="cards",
    schema=CARDS.schema,
    features=CARDS.features,
    target=CARDS.target,
    request=[name for name in CARDS.schema.columns if name not in {"fraud", "scenario"}],
    history_until=dt.datetime(2024, 3, 12, 23, 59),  # noqa: DTZ001
    lineage=Lineage(candidate="cards-first", model="0" * 64, rows="0" * 64),
    files={},
)
READER = Reader(CONTENTS)
PYDANTIC = TypeAdapter(instance_type(CONTENTS))
RIGHT = {
    "id": 7,
    "paid at": "2024-03-13T10:00:00",
    "card": 3,
    "amount paid": 93.5,
    "kind": "web",
    "country": None,
    "abroad": False,
    "risk": 0.25,
    "born": "1950-05-17",
    "code": "AC3",
    "tries": 2,
}
MOMENTS = st.one_of(
    st.datetimes().map(dt.datetime.isoformat),
    st.datetimes().map(lambda moment: f"{moment.isoformat(sep=' ')}+05:30"),
    st.sampled_from(["2024-03-13T10:00:00.1234567", "2024-03-13", "2024-03-13T24:00:00", "0001-01-01T00:00:00+09:00"]),
    st.builds(
        "{}T{:02}:{:02}:{:02}{}{}".format,
        st.dates(dt.date(2024, 1, 1), dt.date(2024, 12, 31)),
        st.integers(0, 25),
        st.integers(0, 61),
        st.integers(0, 61),
        st.sampled_from(["", ".5", ".123456", ".12345678"]),
        st.sampled_from(["", "Z", "+00:00", "-13:59", "+25:00"]),
    ),
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-1, 6000, places=3).map(float),
)
ANYTHING = st.one_of(
    NUMBERS, MOMENTS, st.text("aZ0 \n\u00e9\u0663", max_size=8), st.booleans(), st.none(), st.just([]), st.just({})
)
OF_COLUMN = {
    "id": NUMBERS,
    "paid at": MOMENTS,
    "amount paid": NUMBERS,
    "kind": st.sampled_from(["web", "chip", "cash"]),
    "risk": NUMBERS,
    "born": st.one_of(st.dates().map(dt.date.isoformat), MOMENTS),
    "code": st.sampled_from(["AC3", "ZZ0123", "A1", "ab1", "AC3\n", "AC\u0663", "", " AC3"]),
    "tries": st.integers(0, 4),
}


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    """Return a right row of which some values are others, or missing."""
    instance: dict[str, Any] = dict(RIGHT)
    for name in draw(st.lists(st.sampled_from(list(RIGHT)), max_size=3, unique=True)):
        change = draw(st.sampled_from(["likely", "anything", "left out"]))
        if change == "left out":
            del instance[name]
        else:
            instance[name] = draw(OF_COLUMN.get(name, ANYTHING) if change == "likely" else ANYTHING)
    return instance


@given(instances())
def test_what_is_read_pydantic_reads_to_the_same_values(instance: dict[str, Any]) -> None:
    """And to the same types: an expression does not see who has read a row."""
    body = json.dumps({"instance": instance}).encode()
    try:
        row = READER.single(body).row
    except Unread:
        return
    expected = PYDANTIC.validate_python(json.loads(body)["instance"])
    found = {name: value for name, value in row.items() if value is not None or name in expected}
    assert found == expected
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in expected.items()
    }


def test_plainly_right_rows_are_read(packaged: Place) -> None:
    """Rows of the table, as a client writes them, are not left to pydantic."""
    contents = read_contents(packaged.root / "data/cards/package/model")
    reader = Reader(contents)
    for row in card_rows(seed=1)[:50]:
        moment = row["paid at"] + dt.timedelta(days=30)
        asked = {**{name: row[name] for name in contents.request}, "paid at": moment.isoformat()}
        asked["amount paid"] = float(row["amount paid"])
        body = json.dumps({"instance": asked, "request_id": f"payment-{row['id']}", "explain": True}, default=str)
        request = reader.single(body.encode())
        assert request.row == {**{name: row[name] for name in contents.request}, "paid at": moment}
        assert (request.request_id, request.explain) == (f"payment-{row['id']}", True)


@pytest.mark.parametrize(
    "change", [{"paid at": "2024-03-12T10:00:00"}, {"tries": 4}, {"amount paid": 0.001}, {"id": None}, {"new": 1}]
)
def test_what_is_wrong_is_left_to_pydantic_which_says_so(change: dict[str, Any]) -> None:
    """A row of the past, a value that is none of its set, a thousandth of a euro, a key that is null, an unknown column."""
    body = json.dumps({"instance": {**RIGHT, **change}}).encode()
    with pytest.raises(Unread):
        READER.single(body)
    with pytest.raises(ValidationError):
        PYDANTIC.validate_python({**RIGHT, **change})


def test_a_row_may_be_without_its_key() -> None:
    """It is known by its request then."""
    row = READER.single(json.dumps({"instance": {**RIGHT, "id": 0}}).encode()).row
    assert row["id"] == 0
    without = {name: value for name, value in RIGHT.items() if name != "id"}
    assert "id" not in READER.single(json.dumps({"instance": without}).encode()).row


def test_name_that_msgspec_takes_in_no_field_is_left_to_pydantic():
    """With a quote in a column's name requests are not read here, whatever they hold; pydantic reads them."""
    columns = {'say "so"' if name == "risk" else name: column for name, column in CARDS.schema.columns.items()}
    contents = dataclasses.replace(
        CONTENTS,
        schema=dataclasses.replace(CARDS.schema, columns=columns),
        request=['say "so"' if name == "risk" else name for name in CONTENTS.request],
    )
    reader = Reader(contents)
    row = {'say "so"' if name == "risk" else name: value for name, value in RIGHT.items()}
    for instance in (row, RIGHT, {**RIGHT, "c7": 0.5}):
        with pytest.raises(Unread):
            reader.row(json.dumps(instance).encode())
    assert TypeAdapter(instance_type(contents)).validate_python(row)['say "so"'] == 0.25
