"""A wrong rule is refused before any work, by its key and with what would be right."""

from __future__ import annotations

import pytest
from payments import ROWS, TARGET

from headrace.declaration.features import Features, Window
from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.rules import Rule, Rules
from headrace.rules import check_rules

FEATURES = Features(
    columns=["amount", "kind"],
    expressions={"night": "hour(paid_at) < 6", "first": "shop[:1]"},
    windows={"card": Window(spans=["1d"], aggregates={"count": "count(*)"})},
)


def problems(*conditions: str, rows: TypedRows = ROWS, features: Features = FEATURES) -> list[tuple[str, str]]:
    """Return what is wrong with rules of these conditions."""
    rules = [Rule(name=f"r{number}", when=when, then="review") for number, when in enumerate(conditions)]
    return check_rules(Rules(rules=rules), rows, features, TARGET)


@pytest.mark.parametrize(
    "condition",
    [
        "amount > 100",
        "AMOUNT > 100 AND Kind = 'x'",
        "night = 1 AND card_count_1d > 3",
        "first = 'A' OR weight IS NULL",
        "probability > 0.01 AND amount > 500",
        "paid_at >= TIMESTAMP '2024-01-01' AND shop IN ('A', 'B')",
        "true",
    ],
)
def test_columns_features_and_the_score_may_be_named(condition: str) -> None:
    """However they are written."""
    assert problems(condition) == []


@pytest.mark.parametrize(
    ("condition", "pieces"),
    [
        ("amuont > 1", ["amuont", "did you mean amount?", "card_count_1d", "probability"]),
        ("card_count_2d > 1", ["card_count_2d", "did you mean card_count_1d?"]),
        ("fraud = 1", ["the label fraud", "no request has"]),
        ("Fraud = 1", ["the label fraud"]),
        ("amount", ["DECIMAL(12,2)", "true or false"]),
        ("night", ["DOUBLE", "true or false"]),
        ("NULL", ["true or false"]),
        ("count(*) > 1", ["taken over several rows"]),
        ("amount > (SELECT 1)", ["subquery"]),
        ("lag(amount) OVER () > 1", ["window"]),
        ("paid_at < now()", ["now()", "another value each time"]),
        ("random() < 0.5", ["random()", "another value each time"]),
        ("COLUMNS(*) IS NULL", ["all columns"]),
        ("amount >", ["cannot be computed", "syntax error"]),
        ("true), (true", ["cannot be computed"]),
        ("true) FROM rows WHERE (true", ["cannot be computed"]),
        ("rows.amount > 1", ["names rows"]),
        ("read_text('/etc/passwd') = ''", ["cannot be computed"]),
    ],
)
def test_a_condition_that_no_request_can_be_asked_is_refused(condition: str, pieces: list[str]) -> None:
    """Its key, its rule, the condition and what is wrong with it are said."""
    [(key, message)] = problems("true", condition)
    assert key == "rules[1].when"
    assert all(piece in message for piece in ["r1", condition, *pieces]), message


def test_a_name_that_means_two_things_is_refused_where_it_is_read() -> None:
    """The others may stay as they are."""
    rows = TypedRows(key="id", timestamp="paid_at", columns={**ROWS.columns, "probability": Column(type="float")})
    features = Features(expressions={"weight": "weight * 2"})
    found = problems("probability > 0.5", "weight > 1", "amount > 1", rows=rows, features=features)
    assert [key for key, _ in found] == ["rules[0].when", "rules[1].when"]
    assert "the model's probability and a column" in found[0][1]
    assert "a column and a feature" in found[1][1]


def test_decisions_and_names_are_held_against_each_other() -> None:
    """All at once."""
    rules = Rules(
        decisions=["allow", "block", "block"],
        model={"below": "block", "above": "allow"},
        rules=[
            Rule(name="one", when="amount > 1", then="blok"),
            Rule(name="one", when="amount > 2", then="allow"),
            Rule(name=" ", when="amuont > 2", then="allow"),
        ],
    )
    found = dict(check_rules(rules, ROWS, FEATURES, TARGET))
    assert list(found) == ["decisions", "model", "rules[0].then", "rules", "rules[2].when"]
    assert "did you mean block?" in found["rules[0].then"]
    unknown = Rules(decisions=["keep", "call"])
    assert [key for key, _ in check_rules(unknown, ROWS, FEATURES, TARGET)] == ["model.below", "model.above"]


def test_of_wrong_columns_or_features_no_rule_is_blamed() -> None:
    """What is wrong there is said there."""
    assert problems("amount > 1", features=Features(expressions={"x": "nothing + 1"})) == []
    rows = TypedRows(key="id", timestamp=None, columns={"id": Column(type="intger")})
    assert problems("amount > 1", rows=rows, features=Features()) == []
