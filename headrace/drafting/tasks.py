"""What is predicted: one of two, one of several, or a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.errors import ConfigError, DataError
from headrace.words import known

if TYPE_CHECKING:
    from headrace.drafting.guesses import Guess

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"
TASKS = (BINARY, MULTICLASS, REGRESSION)
MOST_CLASSES = 50
MOST_NUMBERED = 10
"""Different whole numbers up to which a label is taken for classes."""
NARROW = 20
YES = ("yes", "y", "true", "t", "1", "positive", "pos", "bad", "fraud", "churned", "default", "churn")


@dataclass(frozen=True)
class Task:
    """What is predicted."""

    kind: str
    why: str
    classes: list[Any] = field(default_factory=list)
    positive: Any = None
    positive_why: str = ""
    rows: dict[Any, int] = field(default_factory=dict)
    """The rows of each class."""

    @property
    def positive_share(self) -> float:
        """The share of positives among the rows with a label; 0 where there is no positive class."""
        return self.rows.get(self.positive, 0) / max(sum(self.rows.values()), 1)


def decide_task(guess: Guess, asked: str | None, positive: str | None) -> Task:
    """Return what is predicted, and settle the label's type and values.

    Raises:
        ConfigError: what is asked for does not go with the label.
        DataError: the label is missing or the same in all rows, or nothing that can be predicted.
    """
    if asked is not None and asked not in TASKS:
        raise ConfigError(f"--task: '{asked}' is none; {known(asked, TASKS)}")
    if guess.present - guess.rejected <= 0:
        raise DataError(f"label '{guess.name}': no row has a value; name another column with --label")
    if guess.distinct <= 1:
        raise DataError(
            f"label '{guess.name}': is {_said(guess.counts[0][0])} in all rows; there is nothing to learn: "
            "take rows of both kinds, or name another column with --label"
        )
    if guess.is_time:
        raise DataError(f"label '{guess.name}': is a {guess.type}; a label is a number or a class")
    kind, why = (asked, "as --task says") if asked else _kind(guess)
    if positive is not None and kind != BINARY:
        raise ConfigError(f"--positive: goes with a label of two values; '{guess.name}' is for {kind}")
    if kind == REGRESSION:
        _refuse_classes(guess)
        return Task(kind, why)
    return _classes(guess, kind, why, positive)


def _kind(guess: Guess) -> tuple[str, str]:
    if guess.distinct == 2:
        return BINARY, "two values"
    if guess.is_number:
        narrow = guess.distinct <= MOST_NUMBERED and _is_whole(guess) and guess.high - guess.low < NARROW
        if narrow:
            return MULTICLASS, f"{guess.distinct} whole numbers are taken for classes; --task regression for an amount"
        return REGRESSION, f"{guess.distinct:,} different numbers"
    if guess.distinct <= MOST_CLASSES:
        return MULTICLASS, f"{guess.distinct} values"
    raise DataError(
        f"label '{guess.name}': has {guess.distinct:,} different texts: no numbers, and above {MOST_CLASSES} classes"
        + (f"; {guess.mixed}" if guess.mixed else "; name another column with --label")
    )


def _refuse_classes(guess: Guess) -> None:
    if not guess.is_number:
        raise ConfigError(f"--task: regression predicts numbers; '{guess.name}' is a {guess.type}")


def _is_whole(guess: Guess) -> bool:
    return bool(guess.counts) and all(value == int(value) for value, _ in guess.counts)


def _classes(guess: Guess, kind: str, why: str, positive: str | None) -> Task:
    if not guess.counts or guess.distinct > MOST_CLASSES:
        raise ConfigError(
            f"--task: '{guess.name}' has {guess.distinct:,} different values; {kind} takes {MOST_CLASSES}"
        )
    if kind == MULTICLASS and guess.distinct == 2:
        raise ConfigError(
            f"--task: multiclass predicts one of three or more; '{guess.name}' has 2 values: it is binary"
        )
    if kind == BINARY and guess.distinct != 2:
        raise ConfigError(f"--task: binary predicts one of two; '{guess.name}' has {guess.distinct} values")
    if guess.is_number:
        if not _is_whole(guess):
            raise ConfigError(
                f"--task: '{guess.name}' has numbers with a fraction; {kind} takes whole numbers or texts"
            )
        guess.type = "integer"
        guess.counts = [(int(value), rows) for value, rows in guess.counts]
    elif guess.is_text:
        guess.type = "category"
    guess.values = None if guess.type == "boolean" else sorted(value for value, _ in guess.counts)
    guess.minimum = guess.maximum = None
    classes = sorted(value for value, _ in guess.counts)
    rows = dict(guess.counts)
    if kind != BINARY:
        return Task(kind, why, classes, rows=rows)
    chosen, said = _positive(guess.name, rows, positive)
    return Task(kind, why, classes, chosen, said, rows)


def _positive(name: str, rows: dict[Any, int], asked: str | None) -> tuple[Any, str]:
    if asked is not None:
        by_text = {str(value).lower(): value for value in rows}
        if asked.lower() not in by_text:
            raise ConfigError(f"--positive: '{asked}' is no value of '{name}'; {known(asked, map(str, rows))}")
        return by_text[asked.lower()], "as --positive says"
    total = sum(rows.values())
    yes = [value for value in rows if str(value).strip().lower() in YES]
    chosen = yes[0] if len(yes) == 1 else min(rows, key=lambda value: (rows[value], str(value)))
    word = "it says yes" if len(yes) == 1 else "the rarer one"
    return chosen, f"{word}: {100 * rows[chosen] / total:.3g} % of the rows; --positive names the other one"


def _said(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
