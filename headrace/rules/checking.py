"""Rules, held against the columns and the features: all that is wrong, before any row is read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import beyond_one_row, connect, create_rows, nodes, parse
from headrace.errors import ConfigError
from headrace.rules.names import ambiguous, named_in, visible
from headrace.rules.voice import voice_of
from headrace.tasks import task_of
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows
    from headrace.declaration.rules import Rules

Problem = tuple[str, str]


def check_rules(rules: Rules, rows: TypedRows, features: Features, target: Target) -> list[Problem]:
    """Return what is wrong, as the key within `rules.yaml` and a message that says what would be right.

    Conditions are left unread where columns or features are wrong themselves: that is said of them.
    """
    if target.column not in rows.columns:
        return []  # That is the target's matter, and said there.
    voice = voice_of(task_of(target, rows.columns))
    rules = voice.settle(rules)
    problems = [*_decisions(rules), *voice.check(rules), *_thens(rules), *_names(rules)]
    try:
        seen = visible(rows, features, voice.names)
        with connect() as connection:
            create_rows(connection, seen)
            twice = ambiguous(rows, features, voice.names)
            choices = [name for name in seen.columns if name != target.column and name.lower() not in twice]
            for number, rule in enumerate(rules.rules):
                problem = _condition(rule.when, target.column, choices, twice, connection)
                if problem:
                    problems.append((f"rules[{number}].when", f"{rule.name}: '{rule.when}' {problem}"))
    except (duckdb.Error, ConfigError):
        return problems
    return problems


def _decisions(rules: Rules) -> Iterator[Problem]:
    decisions = rules.decisions
    for decision, times in Counter(decisions).items():
        if times > 1:
            yield "decisions", f"'{decision}' is named {times} times; name each decision once, the mildest first"


def _thens(rules: Rules) -> Iterator[Problem]:
    decisions = rules.decisions
    for number, rule in enumerate(rules.rules):
        if rule.then not in decisions:
            yield (
                f"rules[{number}].then",
                f"{rule.name}: '{rule.then}' is none of the decisions; " + known(rule.then, decisions),
            )


def _names(rules: Rules) -> Iterator[Problem]:
    for name, times in Counter(rule.name for rule in rules.rules).items():
        if times > 1:
            yield "rules", f"'{name}' is the name of {times} rules; an answer names the rule that decided"
        if not name.strip():
            yield "rules", "a rule has no name; an answer names the rule that decided"


def _condition(
    condition: str, label: str, choices: list[str], twice: Mapping[str, str], connection: duckdb.DuckDBPyConnection
) -> str:
    """Return what is wrong with a condition; nothing where it can be asked of a request."""
    tree = parse(condition, connection)
    named = named_in(condition, connection)
    if any(True for _ in nodes(tree, "STAR")):
        return "reads all columns, the label among them; name those that it is about"
    for name in named:
        if name.lower() == label.lower():
            return f"reads the label {label}, which no request has"
        if name.lower() in twice:
            return f"reads {name}, which is {twice[name.lower()]}; give one of them another name"
    return beyond_one_row(tree) or _bind(condition, named, choices, connection)


def _bind(condition: str, named: list[str], choices: list[str], connection: duckdb.DuckDBPyConnection) -> str:
    """Return why a condition is no truth value over what a request has; nothing where it is one."""
    # In TRY, where what is more than one expression is none, and over a nameless table, as it is evaluated.
    asked = f"DESCRIBE SELECT try(({condition})) AS value FROM (FROM rows)"
    try:
        bound = connection.execute(asked).fetchone()
    except duckdb.Error as error:
        folded = {name.lower() for name in choices}
        unknown = next((name for name in named if name.lower() not in folded), None)
        if unknown is not None:
            return f"names {unknown}, which is no column of a request and no feature; {known(unknown, choices)}"
        return f"cannot be computed: {_first_line(error)}"
    kind = str(bound[1]) if bound else ""
    return "" if kind == "BOOLEAN" else f"is a {kind}; a condition is true or false, such as is_night = 1"


def _first_line(error: duckdb.Error) -> str:
    return str(error).split("\n", 1)[0]
