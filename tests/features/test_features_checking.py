"""What is wrong in features.yaml is said by key, before any row is read."""

from __future__ import annotations

import pytest

from headrace.declaration.durations import microseconds
from headrace.declaration.features import Features, Window, feature_names
from headrace.declaration.modelling import Target
from headrace.declaration.rows import Column, TypedRows
from headrace.errors import ConfigError
from headrace.features import check_features

ROWS = TypedRows(
    key="id",
    timestamp="moment",
    columns={
        "id": Column(type="integer"),
        "moment": Column(type="timestamp"),
        "card": Column(type="string"),
        "amount": Column(type="decimal(12,2)"),
        "fraud": Column(type="boolean"),
    },
)
TARGET = Target(column="fraud", positive=True, delay="7d")


def window(aggregate: str, **changes: object) -> dict[str, Window]:
    """Return a window over a card's history with one aggregate."""
    return {"card": Window(**{"spans": ["1d"], "aggregates": {"value": aggregate}, **changes})}


MISTAKES = {
    "unknown column": (Features(columns=["amuont"]), "columns", "did you mean amount?"),
    "a time as a feature": (Features(columns=["moment"]), "columns", "'moment' is the timestamp"),
    "the label as a feature": (Features(columns=["fraud"]), "columns", "'fraud' is the label"),
    "no feature": (Features(), "columns", "no feature is declared"),
    "unknown function": (Features(expressions={"a": "logg(amount)"}), "expressions.a", "logg"),
    "half an expression": (Features(expressions={"a": "amount *"}), "expressions.a", 'error at or near "*"'),
    "an open bracket": (Features(expressions={"a": "log(amount"}), "expressions.a", 'error at or near "amount"'),
    "a comment": (Features(expressions={"a": "amount -- in euros"}), "expressions.a", "a comment would hide"),
    "two expressions": (Features(expressions={"a": "amount) AS b, (1"}), "expressions.a", "more than one expression"),
    "a time from an expression": (Features(expressions={"a": "moment"}), "expressions.a", "is a TIMESTAMP"),
    "an expression over the label": (Features(expressions={"a": "fraud"}), "expressions.a", "reads the label"),
    "the rows to come": (
        Features(expressions={"a": "lead(amount) OVER (PARTITION BY card ORDER BY moment)"}), "expressions.a", "leave the window out",
    ),
    "an aggregate over all": (Features(expressions={"a": "avg(amount)"}), "expressions.a", "avg() is taken over several"),
    "a random number": (Features(expressions={"a": "random()"}), "expressions.a", "random() does not follow"),
    "the label by a pattern": (Features(expressions={"a": "COLUMNS('fraud')"}), "expressions.a", "reads the label"),
    "the label as an entity": (Features(windows=window("count(*)", entity="fraud", delay="7d")), "windows.card", "is the label"),
    "unknown entity": (
        Features(windows=window("count(*)", entity="cardd")), "windows.card", "did you mean card?",
    ),
    "no span": (Features(windows=window("count(*)", spans=[])), "windows.card.spans", "none is given"),
    "a span of no unit": (Features(windows=window("count(*)", spans=["7x"])), "windows.card.spans", "'7x'"),
    "a span of nothing": (Features(windows=window("count(*)", spans=["0d"])), "windows.card.spans", "too short"),
    "unknown aggregate": (Features(windows=window("mean(amount)")), "windows.card.aggregates.value", "is no aggregate"),
    "an average of texts": (Features(windows=window("avg(card)")), "windows.card.aggregates.value", "card"),
    "a quantile of more than all": (
        Features(windows=window("quantile(amount, 9)")), "windows.card.aggregates.value", "from 0 to 1",
    ),
    "a label before it is known": (
        Features(windows=window("share(fraud)", delay="6d")), "windows.card.aggregates.value", "7d or more",
    ),
    "a ratio of three": (Features(columns=["amount"], ratios={"r": "amount / amount / 2"}), "ratios.r", "no ratio"),
    "a ratio of nothing": (Features(columns=["amount"], ratios={"r": "amount / amuont"}), "ratios.r", "did you mean amount?"),
    "a name twice": (
        Features(columns=["amount"], expressions={"amount": "1"}), "expressions.amount", "declared 2 times",
    ),
    "a column twice": (Features(columns=["amount", "amount"]), "columns", "declared 2 times"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_by_its_key(mistake: str) -> None:
    """With what was found and what would be right."""
    features, key, words = MISTAKES[mistake]
    problems = check_features(features, ROWS, TARGET)
    assert [(found, message) for found, message in problems if found == key and words in message], problems


def test_what_is_right_has_no_problem() -> None:
    """A label may be read as soon as it is known."""
    features = Features(
        columns=["amount"],
        expressions={"large": "amount > 100"},
        windows=window("share(fraud)", delay="7d"),
        ratios={"r": "amount / card_value_1d"},
    )
    assert check_features(features, ROWS, TARGET) == []
    assert feature_names(features) == ["amount", "large", "card_value_1d", "r"]


@pytest.mark.parametrize(("length", "expected"), [("1us", 1), ("90s", 90_000_000), ("2w", 1_209_600_000_000)])
def test_a_length_of_time_is_a_number_and_a_unit(length: str, expected: int) -> None:
    """In microseconds."""
    assert microseconds(length) == expected


@pytest.mark.parametrize("length", ["", "7", "d", "7x", "-1d", "1.5h", "1 d"])
def test_another_length_of_time_is_refused(length: str) -> None:
    """The message shows how one is written."""
    with pytest.raises(ConfigError, match="such as 7d"):
        microseconds(length)
