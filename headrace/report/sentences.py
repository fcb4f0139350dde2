"""What the numbers say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.report.formatting import count, metric, number, percent, period, share
from headrace.report.words import words_for

if TYPE_CHECKING:
    from collections.abc import Sequence


VERDICTS = {
    "first": "New champion",
    "champion": "The champion",
    "better": "New challenger",
    "new threshold": "New challenger",
    "not comparable": "New challenger",
    "not better": "The champion stays",
}


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


def judged_on(test: dict[str, Any]) -> str:
    """Say what rows the candidates were judged on, as the beginning of a sentence."""
    when = f"of {period(test['from'], test['until'])}" if "from" in test else "set apart by a hash of their key"
    return f"Candidates were judged on {count(test['rows'])} test rows {when}"


def order(evaluation: dict[str, Any]) -> str:
    """Say who decides, as the beginning of a sentence."""
    names = [one["decision"] for one in evaluation["hybrid"]["decisions"]]
    return f"The first rule that holds decides; where none does, the model. Decided is {either(names)}"


def decided_by_rules(evaluation: dict[str, Any]) -> str:
    """Say how many of the test rows the rules decide about."""
    rows = sum(one["rows"] for one in evaluation["hybrid"]["rules"])
    return f"The rules decide about {count(rows)} of the {count(evaluation['test']['rows'])} test rows."


def either(words: Sequence[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _signed(value: float) -> str:
    return (f"{value:+,.0f}" if abs(value) >= 1000 else f"{value:+.3f}").replace("-", "\u2212")
