"""What the numbers of a number say, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.report.formatting import metric, number, share
from headrace.report.sentences import decided_by_rules, judged_on, order
from headrace.report.words import words_for

if TYPE_CHECKING:
    from headrace.declaration.pipeline import ReportConfig

DECISIONS, TRUST = "Errors", "Where they lie"
TILES = {
    "mae": words_for("mae"),
    "r2": words_for("r2")._replace(name="Variance explained", is_share=True),
    "median_absolute_error": words_for("median_absolute_error"),
    "rmse": words_for("rmse"),
}
"""What the page begins with, after the metric by which candidates are compared."""
CAPTIONS = {
    "predictions": "Predicted against actual; on the dotted line the two agree",
    "residuals": "The error of each row, by what was predicted",
    "deciles": "Mean absolute error in ten parts of rows",
}


def headline(evaluation: dict[str, Any]) -> str:
    """Say in one sentence what the winner is worth."""
    test = evaluation["candidates"][evaluation["winner"]]["test"]
    if test["r2"] <= 0:
        return (
            f"{evaluation['winner']} is the best candidate, and it is no better than saying the mean for every row: it "
            f"is off by {metric(test['mae'])} on average."
        )
    return (
        f"{evaluation['winner']} is off by {metric(test['mae'])} on average, and explains {share(test['r2'])} of the "
        "variance between rows."
    )


def test_rows(evaluation: dict[str, Any], config: ReportConfig) -> str:
    """Say what rows the candidates were judged on."""
    test = evaluation["test"]
    least, most = test["deciles"][0], test["deciles"][-1]
    low, high = test["deciles"][1], test["deciles"][-2]
    return (
        f"{judged_on(test)}. Their {config.target.column} goes from {number(least)} to {number(most)}, with a mean of "
        f"{number(test['mean'])}; eight of ten lie between {number(low)} and {number(high)}. Neither tuning nor the "
        "choice of the winner saw these rows."
    )


def errors(evaluation: dict[str, Any]) -> str:
    """Say how large the errors are, and to which side."""
    test = evaluation["candidates"][evaluation["winner"]]["test"]
    side = "too high" if test["mean_error"] > 0 else "too low"
    return (
        f"Half of the predictions are off by less than {metric(test['median_absolute_error'])}. On average they are "
        f"{metric(abs(test['mean_error']))} {side}. The root of the mean squared error is {metric(test['rmse'])}: the "
        "more it is above the mean absolute error, the more the error is that of few rows."
    )


def where(evaluation: dict[str, Any]) -> str:
    """Say what the figures of errors show."""
    del evaluation
    return (
        "One figure has the error of each row by what was predicted: above the line it was too high. A slope or a "
        "funnel says that the model errs in one direction, or more for large values. The other has the mean absolute "
        "error in ten parts of rows, by rising prediction."
    )


def rules(evaluation: dict[str, Any]) -> list[str]:
    """Say who decides, and how much the rules decide."""
    return [f"{order(evaluation)}.", decided_by_rules(evaluation)]
