"""What the numbers of one of two say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.report.formatting import count, days_between, number, percent, plain, share
from headrace.report.sentences import either, judged_on, order
from headrace.report.words import words_for

if TYPE_CHECKING:
    from headrace.declaration.pipeline import ReportConfig

DECISIONS, TRUST = "Decisions", "Probabilities"
TILES = {
    "recall": words_for("recall"),
    "precision": words_for("precision"),
    "false_positive_rate": words_for("false_positive_rate")._replace(name="Negatives flagged"),
}
"""What the page begins with, after the metric by which candidates are compared."""
CAPTIONS = {
    "precision_recall": "Precision and recall at every threshold; dots mark the chosen ones",
    "roc": "Recall against false positives at every threshold; dots mark the chosen ones",
    "confusion": "The winner's decisions on the test rows",
    "scores": "Where the winner's scores lie",
    "cost": "What decisions cost, by how many rows are flagged",
    "calibration": "Predicted probability against what came true",
}


def headline(evaluation: dict[str, Any]) -> str:
    """Say in one sentence what the winner is worth."""
    one = evaluation["candidates"][evaluation["winner"]]
    test, counts = one["test"], one["confusion"]
    if not counts["tp"] + counts["fp"]:
        return f"{evaluation['winner']} is the best candidate, and its threshold flags no test row."
    return (
        f"{evaluation['winner']} finds {share(test['recall'])} of the positives while it flags "
        f"{share(test['false_positive_rate'])} of the negatives; of every 100 rows that it flags, "
        f"{100 * test['precision']:.0f} are positive."
    )


def positives(config: ReportConfig) -> str:
    """Say what a positive row is."""
    return f"A positive row is one with {config.target.column} = {plain(config.target.positive)}."


def test_rows(evaluation: dict[str, Any]) -> str:
    """Say what rows the candidates were judged on."""
    test = evaluation["test"]
    positive = f"{count(test['positives'])} of them ({share(test['positives'] / test['rows'])}) are positive."
    untouched = "Neither tuning, nor the choice of the winner, nor its threshold saw these rows."
    return f"{judged_on(test)}; {positive} {untouched}{_left_out(test['known'])}"


def threshold(evaluation: dict[str, Any]) -> list[str]:
    """Say where the winner's threshold comes from, and what it does on the test rows."""
    one, test = evaluation["candidates"][evaluation["winner"]], evaluation["test"]
    counts, rate = one["confusion"], one["test"]["false_positive_rate"]
    flagged, budget = counts["tp"] + counts["fp"], evaluation["false_positive_budget"]
    choice = (
        f"A row is flagged from a score of {number(one['threshold'])} on. Of all thresholds that flag at most "
        f"{percent(budget)} of the negatives, the declared budget, this one finds the most positives among the "
        "validation rows."
    )
    if not flagged:
        return [choice, "On the test rows it flags nothing: no score reaches it."]
    daily = f", {number(flagged / days_between(test['from'], test['until']))} a day" if "from" in test else ""
    outcome = (
        f"On the test rows it flags {count(flagged)} of {count(test['rows'])} rows{daily}. It finds "
        f"{count(counts['tp'])} of {count(test['positives'])} positives and flags {share(rate)} of the negatives, "
        f"{'within' if rate <= budget else 'over'} the budget. Of every 100 flagged rows "
        f"{100 * one['test']['precision']:.0f} are positive."
    )
    return [choice, outcome]


def ceiling(evaluation: dict[str, Any]) -> str | None:
    """Say how much of recall any model could have, where the pipeline declares what could be known."""
    test, one = evaluation["test"], evaluation["candidates"][evaluation["winner"]]["test"]
    if test["knowable_positives"] is None:
        return None
    most = test["knowable_positives"] / test["positives"]
    return (
        "Not every positive could be known for one when it happened, since labels come late. By the declared "
        f"condition {count(test['knowable_positives'])} of the {count(test['positives'])} positives could: about "
        f"{share(most)} is all the recall that this process lets anyone reach. Among those that could be known the "
        f"winner finds {share(one['recall_of_knowable'])}, among all of them {share(one['recall'])}."
    )


def costs(evaluation: dict[str, Any], config: ReportConfig) -> list[str]:
    """Say what the decisions cost, where costs are declared."""
    one = evaluation["candidates"][evaluation["winner"]]
    money = one["cost"]
    if money is None or config.evaluation.costs is None:
        return []
    declared = config.evaluation.costs
    saved = money["flagging_none"] - money["at_threshold"]
    effect = f"{number(abs(saved))} {'less' if saved >= 0 else 'more'} than"
    lines = [
        (
            f"A positive that is missed costs {declared.false_negative}, a row that is flagged in vain "
            f"{number(declared.false_positive)}, in the currency of the data."
        ),
        (
            f"The decisions on the test rows cost {number(money['at_threshold'])}: {number(money['missed'])} for what "
            f"was missed and {number(money['flagged_in_vain'])} for what was flagged in vain. That is {effect} the "
            f"{number(money['flagging_none'])} of flagging nothing."
        ),
    ]
    if money["best"] < 0.95 * money["at_threshold"]:
        lines.append(
            f"In hindsight the cheapest threshold was {number(money['best_threshold'])}, with a cost of "
            f"{number(money['best'])}: a budget other than {percent(evaluation['false_positive_budget'])} may pay."
        )
    return lines


def rules(evaluation: dict[str, Any]) -> list[str]:
    """Say how rules and model decide together, and what that changes."""
    hybrid, alone = evaluation["hybrid"], evaluation["candidates"][evaluation["winner"]]["test"]
    names, both = [one["decision"] for one in hybrid["decisions"]], hybrid["test"]
    flagged = names[names.index(hybrid["flagged_from"]) :]
    how = f"{order(evaluation)}; a row counts as flagged where it is {either(flagged)}."
    change = (
        f"With the rules {share(both['recall'])} of the positives are flagged, by the model alone "
        f"{share(alone['recall'])}; of the negatives {share(both['false_positive_rate'])} instead of "
        f"{share(alone['false_positive_rate'])}. Of every 100 flagged rows {100 * both['precision']:.0f} are positive "
        f"instead of {100 * alone['precision']:.0f}."
    )
    money = evaluation["candidates"][evaluation["winner"]]["cost"]
    if money is None:
        return [how, change]
    cost = (
        f"The decisions on the test rows cost {number(hybrid['cost'])}, those of the model alone "
        f"{number(money['at_threshold'])}; what a decision short of {hybrid['flagged_from']} costs is not in it."
    )
    return [how, change, cost]


def calibration(evaluation: dict[str, Any]) -> str:
    """Say how far the probabilities can be taken at their word."""
    error = evaluation["candidates"][evaluation["winner"]]["test"]["calibration_error"]
    base = evaluation["test"]["positives"] / evaluation["test"]["rows"]
    return (
        "Rows in bins of rising score: what was predicted against what came true; on the dotted line the two agree. "
        f"They are {share(error)} apart on average over rows, where {share(base)} of the rows are positive."
    )


def _left_out(known: dict[str, Any] | None) -> str:
    if not known:
        return ""
    return f" {count(known['rows'])} more are left out: a positive of their {known['entity']} was already known."
