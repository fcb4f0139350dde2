"""Rows of the page's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.report.formatting import metric, share
from headrace.report.words import METRICS, PRECISION_AT, Words, words_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MOST_TILES = 4


class Tile(NamedTuple):
    """A number of the winner that the page begins with."""

    name: str
    text: str


class Cell(NamedTuple):
    """A candidate's value."""

    text: str
    is_best: bool


class MetricRow(NamedTuple):
    """A metric of all candidates."""

    words: Words
    cells: list[Cell]


def candidate_names(evaluation: dict[str, Any]) -> list[str]:
    """Return the candidates, the winner first, the others from the best on validation rows down."""
    name, sign = evaluation["metric"], -1 if evaluation["greater_is_better"] else 1
    values = {each: sign * one["validation"][name] for each, one in evaluation["candidates"].items()}
    return sorted(values, key=lambda each: (each != evaluation["winner"], values[each], each))


def tiles(evaluation: dict[str, Any], others: Mapping[str, Words]) -> list[Tile]:
    """Return the winner's numbers on the test rows: first the metric that made it the winner, then others.

    Args:
        evaluation: The content of `evaluation.json`.
        others: By metric, what it is called here.
    """
    test = evaluation["candidates"][evaluation["winner"]]["test"]
    named = {evaluation["metric"]: words_for(evaluation["metric"])} | dict(others)
    return [Tile(words.name, _form(words, test[name])) for name, words in list(named.items())[:MOST_TILES]]


def metric_rows(evaluation: dict[str, Any], names: Sequence[str], side: str) -> list[MetricRow]:
    """Return a row for each metric, the one that is compared first; the best candidate of each is marked.

    Args:
        evaluation: The content of `evaluation.json`.
        names: The candidates in the order of their columns.
        side: `test` or `validation`.
    """
    present = evaluation["candidates"][names[0]][side]
    tops = [each for each in present if each.startswith(PRECISION_AT)]
    known = (evaluation["metric"], *list(METRICS)[:1], *tops, *list(METRICS)[1:])
    ordered = [each for each in dict.fromkeys(known) if each in present]
    return [_metric_row(each, [evaluation["candidates"][name][side][each] for name in names]) for each in ordered]


def rules_broken(validation: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the rules that rows broke, and how many did, from the most down."""
    broken = [(rule, rows) for rule, rows in validation["rules"].items() if rows]
    return sorted(broken, key=lambda each: (-each[1], each[0]))


def shifted_columns(validation: dict[str, Any], most: int = 5) -> list[tuple[str, str, float]]:
    """Return the days whose means moved most: column, day and robust standard deviations."""
    scores = [
        (column, name, score)
        for name, part in validation["parts"].items()
        for column, score in part["mean_shift"].items()
    ]
    return sorted(scores, key=lambda each: -abs(each[2]))[:most]


def _metric_row(name: str, values: Sequence[float]) -> MetricRow:
    words = words_for(name)
    best = min(values, key=abs) if name == "mean_error" else (min if words.smaller_is_better else max)(values)
    single = len(values) == 1
    return MetricRow(words, [Cell(_form(words, value), value == best and not single) for value in values])


def _form(words: Words, value: float) -> str:
    return share(value) if words.is_share else metric(value)
