"""What the numbers say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.report.formatting import count, days_between, metric, number, percent, period, plain, share
from headrace.report.words import words_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.declaration.pipeline import ReportConfig

VERDICTS = {
    "first": "New champion",
    "champion": "The champion",
    "better": "New challenger",
    "new threshold": "New challenger",
    "not comparable": "New challenger",
    "not better": "The champion stays",
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


def decision(registration: dict[str, Any]) -> list[str]:
    """Say what became of the winner in the registry, and why."""
    version, champion = f"version {registration['version']}", f"version {registration['champion_version']}"
    verdict = registration["decision"]
    if verdict == "first":
        return [f"It is the first model of this pipeline, so it is registered as {version} and is the champion."]
    if verdict == "champion":
        return [f"It is the champion already: {champion} holds the same files."]
    if verdict == "new threshold":
        return [
            f"It is the model of the champion, {champion}, with another threshold ({registration['reason']}).",
            f"So it is registered as {version}, the challenger; whether it takes over is for people to say.",
        ]
    if verdict == "not comparable":
        return [
            f"The champion, {champion}, cannot score today's rows ({registration['reason']}).",
            f"So the winner is registered as {version}, the challenger; whether it takes over is for people to say.",
        ]
    if verdict == "better":
        outcome = f"It is better than the champion, and is registered as {version}, the challenger."
    else:
        outcome = f"It is not surely better than the champion, so it is not registered, and {champion} stays."
    return [outcome, _comparison(registration)]


def _comparison(registration: dict[str, Any]) -> str:
    """Say by how much the winner is ahead of the champion, and how sure that is."""
    name, champion = words_for(registration["metric"]).name, registration["champion_version"]
    ours, theirs = metric(registration["winner_value"]), metric(registration["champion_value"])
    low, high = registration["interval"]
    return (
        f"{name} on the same test rows: {ours} against {theirs} of the champion, version {champion}. The gain is "
        f"{_signed(registration['difference'])}, and lies between {_signed(low)} and {_signed(high)} with "
        f"{percent(registration['confidence'])} confidence, by {count(registration['resamples'])} paired bootstrap "
        "resamples."
    )


def positives(config: ReportConfig) -> str:
    """Say what a positive row is."""
    return f"A positive row is one with {config.target.column} = {plain(config.target.positive)}."


def test_rows(evaluation: dict[str, Any]) -> str:
    """Say what rows the candidates were judged on."""
    test = evaluation["test"]
    when = f"of {period(test['from'], test['until'])}" if "from" in test else "set apart by a hash of their key"
    return (
        f"Candidates were judged on {count(test['rows'])} test rows {when}; {count(test['positives'])} of them "
        f"({share(test['positives'] / test['rows'])}) are positive. Neither tuning, nor the choice of the winner, "
        f"nor its threshold saw these rows.{_left_out(test['known'])}"
    )


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
    order = (
        f"The first rule that holds decides; where none does, the model. Decided is {_either(names)}; a row counts as "
        f"flagged where it is {_either(flagged)}."
    )
    change = (
        f"With the rules {share(both['recall'])} of the positives are flagged, by the model alone "
        f"{share(alone['recall'])}; of the negatives {share(both['false_positive_rate'])} instead of "
        f"{share(alone['false_positive_rate'])}. Of every 100 flagged rows {100 * both['precision']:.0f} are positive "
        f"instead of {100 * alone['precision']:.0f}."
    )
    money = evaluation["candidates"][evaluation["winner"]]["cost"]
    if money is None:
        return [order, change]
    cost = (
        f"The decisions on the test rows cost {number(hybrid['cost'])}, those of the model alone "
        f"{number(money['at_threshold'])}; what a decision short of {hybrid['flagged_from']} costs is not in it."
    )
    return [order, change, cost]


def calibration(evaluation: dict[str, Any]) -> str:
    """Say how far the probabilities can be taken at their word."""
    error = evaluation["candidates"][evaluation["winner"]]["test"]["calibration_error"]
    base = evaluation["test"]["positives"] / evaluation["test"]["rows"]
    return (
        "Rows in bins of rising score: what was predicted against what came true; on the dotted line the two agree. "
        f"They are {share(error)} apart on average over rows, where {share(base)} of the rows are positive."
    )


def rejected(validation: dict[str, Any]) -> str:
    """Say how many rows came, and how many of them were no valid rows."""
    days = f" in {count(len(validation['parts']))} days" if "all" not in validation["parts"] else ""
    came = f"{count(validation['rows'])} rows came{days}"
    if not validation["rejected"]:
        return f"{came}, and all of them are what the schema declares."
    return (
        f"{came}; {count(validation['rejected'])} of them ({share(validation['rejected_share'])}) are not what the "
        "schema declares. They are kept apart, each with its reasons, in the folder rejected/."
    )


def shift(validation: dict[str, Any]) -> str:
    """Say whether a day's mean moved away from its history."""
    found = validation["mean_shift"]
    if not found["checked"]:
        return f"Means were not compared with their history: {found['reason']}."
    largest = found["largest"]
    limit = f"the declared limit is {number(found['limit'])}" if found["limit"] else "no limit is declared"
    return (
        f"The mean that moved most against the days before it is that of {largest['column']} on {largest['day']}: "
        f"{number(largest['distance'])} robust standard deviations; {limit}."
    )


def _left_out(known: dict[str, Any] | None) -> str:
    if not known:
        return ""
    return f" {count(known['rows'])} more are left out: a positive of their {known['entity']} was already known."


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\u2212")
