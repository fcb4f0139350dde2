"""What the model says of a row, by the names that conditions know it by, and what it decides by itself."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headrace.declaration.modelling import TaskName
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.declaration.rules import Rules
    from headrace.tasks import Task

PROBABILITY, PREDICTION = "probability", "prediction"
BELOW, ABOVE, ALWAYS = "below", "above", "always"
Array = npt.NDArray[Any]
Problem = tuple[str, str]
Decided = TypeVar("Decided")


class Voice(ABC):
    """The model's part in decisions.

    Args:
        task: What the label is.
    """

    decisions: ClassVar[tuple[str, ...]]
    """What can be decided, where nothing is declared."""

    def __init__(self, task: Task) -> None:
        self.task = task

    @property
    @abstractmethod
    def names(self) -> dict[str, str]:
        """What conditions know the model's scores by, and the declared type of each."""

    @property
    @abstractmethod
    def keys(self) -> Sequence[str]:
        """The keys of `Rules.model`."""

    def settle(self, rules: Rules) -> Rules:
        """Return rules with what is left out filled in."""
        decisions = rules.decisions or list(self.decisions)
        given = {str(key): decision for key, decision in rules.model.items()}  # a class may be a number
        model = {**self.by_default(decisions), **given}
        return dataclasses.replace(rules, decisions=decisions, model=model)

    @abstractmethod
    def by_default(self, decisions: Sequence[str]) -> dict[str, str]:
        """Return `Rules.model` where nothing is declared."""

    def check(self, rules: Rules) -> Iterator[Problem]:
        """Yield what is wrong with settled rules' `model`."""
        for key, decision in rules.model.items():
            if key not in self.keys:
                yield f"model.{key}", f"a {self.task.name} target has no such key; {known(key, self.keys)}"
            elif decision not in rules.decisions:
                yield f"model.{key}", f"'{decision}' is none of the decisions; {known(decision, rules.decisions)}"

    @abstractmethod
    def say(self, scores: Array) -> dict[str, pa.Array]:
        """Return what the model says of many rows, a column by name."""

    @abstractmethod
    def decide(self, scores: Array, rules: Rules, threshold: float | None) -> npt.NDArray[np.intp]:
        """Return what the model alone decides about many rows, as places in `rules.decisions`."""

    @abstractmethod
    def of_row(self) -> Callable[[Any], dict[str, Any]]:
        """Return what says it of one row."""

    @abstractmethod
    def of_row_alone(self, decided: Mapping[str, Decided], threshold: float | None) -> Callable[[Any], Decided]:
        """Return what decides about one row by the model alone, given what is decided by key of `Rules.model`."""


class BinaryVoice(Voice):
    """The probability of the positive class, and on which side of the threshold it is."""

    decisions: ClassVar[tuple[str, ...]] = ("allow", "review", "block")
    names: ClassVar[dict[str, str]] = {PROBABILITY: "float"}
    keys: ClassVar[Sequence[str]] = (BELOW, ABOVE)

    def by_default(self, decisions: Sequence[str]) -> dict[str, str]:
        """Return `allow` and `block`: other decisions have to say themselves what the model decides."""
        del decisions
        return {BELOW: "allow", ABOVE: "block"}

    def check(self, rules: Rules) -> Iterator[Problem]:
        """Yield what is wrong, the order of the two among it."""
        yield from super().check(rules)
        below, above = rules.model[BELOW], rules.model[ABOVE]
        both = {below, above} <= set(rules.decisions)
        if both and rules.decisions.index(below) >= rules.decisions.index(above):
            yield "model", f"below is {below} and above is {above}; below has to come first in decisions"

    def say(self, scores: Array) -> dict[str, pa.Array]:
        """Return the probabilities."""
        return {PROBABILITY: pa.array(scores, pa.float64())}

    def decide(self, scores: Array, rules: Rules, threshold: float | None) -> npt.NDArray[np.intp]:
        """Return the decisions by the threshold."""
        above, below = (rules.decisions.index(rules.model[key]) for key in (ABOVE, BELOW))
        return np.where(scores >= threshold, above, below).astype(np.intp)

    def of_row(self) -> Callable[[float], dict[str, Any]]:
        """Return what names a probability."""
        return lambda probability: {PROBABILITY: probability}

    def of_row_alone(self, decided: Mapping[str, Decided], threshold: float | None) -> Callable[[float], Decided]:
        """Return what asks for the side of the threshold."""
        assert threshold is not None
        above, below = decided[ABOVE], decided[BELOW]
        return lambda probability: above if probability >= threshold else below


class MulticlassVoice(Voice):
    """The class that is predicted, and how probable it is."""

    @property
    def decisions(self) -> tuple[str, ...]:  # type: ignore[override]
        """The classes."""
        return tuple(self.keys)

    @property
    def names(self) -> dict[str, str]:
        """The class in the label's own type, and its probability."""
        kind = "integer" if isinstance(self.task.classes[0], int) else "string"
        return {PREDICTION: kind, PROBABILITY: "float"}

    @property
    def keys(self) -> Sequence[str]:
        """The classes."""
        return [str(each) for each in self.task.classes]

    def by_default(self, decisions: Sequence[str]) -> dict[str, str]:
        """Return each class for itself."""
        del decisions
        return {each: each for each in self.keys}

    def say(self, scores: Array) -> dict[str, pa.Array]:
        """Return the classes and their probabilities."""
        predicted = pa.array([self.task.classes[each] for each in scores.argmax(axis=1).tolist()])
        return {PREDICTION: predicted, PROBABILITY: pa.array(scores.max(axis=1), pa.float64())}

    def decide(self, scores: Array, rules: Rules, threshold: float | None) -> npt.NDArray[np.intp]:
        """Return the decisions of the predicted classes."""
        del threshold
        places = np.array([rules.decisions.index(rules.model[each]) for each in self.keys], dtype=np.intp)
        decided: npt.NDArray[np.intp] = places[scores.argmax(axis=1)]
        return decided

    def of_row(self) -> Callable[[Array], dict[str, Any]]:
        """Return what names the most probable class."""
        classes = self.task.classes

        def say(scores: Array) -> dict[str, Any]:
            place = int(scores.argmax())
            return {PREDICTION: classes[place], PROBABILITY: float(scores[place])}

        return say

    def of_row_alone(self, decided: Mapping[str, Decided], threshold: float | None) -> Callable[[Array], Decided]:
        """Return what asks for the most probable class."""
        del threshold
        by_class = [decided[each] for each in self.keys]
        return lambda scores: by_class[int(scores.argmax())]


class RegressionVoice(Voice):
    """The number that is predicted."""

    decisions: ClassVar[tuple[str, ...]] = ("accept", "review")
    names: ClassVar[dict[str, str]] = {PREDICTION: "float"}
    keys: ClassVar[Sequence[str]] = (ALWAYS,)

    def by_default(self, decisions: Sequence[str]) -> dict[str, str]:
        """Return the first decision."""
        return {ALWAYS: decisions[0]}

    def say(self, scores: Array) -> dict[str, pa.Array]:
        """Return the numbers."""
        return {PREDICTION: pa.array(scores, pa.float64())}

    def decide(self, scores: Array, rules: Rules, threshold: float | None) -> npt.NDArray[np.intp]:
        """Return the one decision that there is."""
        del threshold
        return np.full(len(scores), rules.decisions.index(rules.model[ALWAYS]), dtype=np.intp)

    def of_row(self) -> Callable[[float], dict[str, Any]]:
        """Return what names a number."""
        return lambda number: {PREDICTION: number}

    def of_row_alone(self, decided: Mapping[str, Decided], threshold: float | None) -> Callable[[float], Decided]:
        """Return what decides the same about all."""
        del threshold
        always = decided[ALWAYS]
        return lambda _: always


VOICES: Mapping[str, type[Voice]] = MappingProxyType(
    {TaskName.binary: BinaryVoice, TaskName.multiclass: MulticlassVoice, TaskName.regression: RegressionVoice}
)


def voice_of(task: Task) -> Voice:
    """Return the model's part in the decisions of a task."""
    return VOICES[task.name](task)


def settle(rules: Rules, task: Task) -> Rules:
    """Return rules with what is left out filled in, as the task has it."""
    return voice_of(task).settle(rules)
