"""What the numbers of one of three or more say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.report.formatting import count, share
from headrace.report.sentences import decided_by_rules, judged_on, order
from headrace.report.words import words_for

if TYPE_CHECKING:
    from headrace.declaration.pipeline import ReportConfig

DECISIONS, TRUST = "Classes", "Probabilities"
TILES = {name: words_for(name) for name in ("accuracy", "balanced_accuracy", "f1_macro", "log_loss")}
"""What the page begins with, after the metric by which candidates are compared."""
CAPTIONS = {
    "precision_recall": "Precision and recall of the winner, each class against the rest",
    "roc": "Recall against false positives of the winner, each class against the rest",
    "confusion": "What the winner takes the test rows for",
    "calibration": "Probability of the predicted class against how often it is right",
}


def headline(evaluation: dict[str, Any]) -> str:
    """Say in one sentence what the winner is worth."""
    test = evaluation["candidates"][evaluation["winner"]]["test"]
    name, rows = _most_common(evaluation)
    return (
        f"{evaluation['winner']} is right about {share(test['accuracy'])} of the rows; whoever always says {name}, the "
        f"most common of the {len(evaluation['task']['classes'])} classes, is right about "
        f"{share(rows / evaluation['test']['rows'])}."
    )


def test_rows(evaluation: dict[str, Any], config: ReportConfig) -> str:
    """Say what rows the candidates were judged on."""
    test = evaluation["test"]
    of_class = ", ".join(f"{count(rows)} {name}" for name, rows in test["classes"].items())
    return (
        f"{judged_on(test)}, by {config.target.column} {of_class}. Neither tuning nor the choice of the winner saw "
        "these rows. The class with the highest probability is the one that is predicted."
    )


def mistakes(evaluation: dict[str, Any]) -> str:
    """Say which class is taken for which most often."""
    cells, names = evaluation["candidates"][evaluation["winner"]]["confusion"], evaluation["task"]["classes"]
    wrong = [
        (rows, down, across)
        for down, of in enumerate(cells)
        for across, rows in enumerate(of)
        if rows and down != across
    ]
    if not wrong:
        return "On the test rows it makes no mistake."
    rows, down, across = max(wrong, key=lambda each: each[0])
    return (
        f"It is wrong about {count(sum(each for each, *_ in wrong))} of {count(evaluation['test']['rows'])} test rows. "
        f"Its most common mistake is to take {names[down]} for {names[across]}: {count(rows)} of the "
        f"{count(sum(cells[down]))} rows that are {names[down]}."
    )


def calibration(evaluation: dict[str, Any]) -> str:
    """Say how far the probabilities can be taken at their word."""
    error = evaluation["candidates"][evaluation["winner"]]["test"]["calibration_error"]
    return (
        "Rows in bins of rising probability of the predicted class: how sure the model was against how often it was "
        f"right; on the dotted line the two agree. They are {share(error)} apart on average over rows."
    )


def _most_common(evaluation: dict[str, Any]) -> tuple[str, int]:
    name, rows = max(evaluation["test"]["classes"].items(), key=lambda each: each[1])
    return str(name), int(rows)


def rules(evaluation: dict[str, Any]) -> list[str]:
    """Say who decides, and how much the rules decide."""
    return [f"{order(evaluation)}.", decided_by_rules(evaluation)]
