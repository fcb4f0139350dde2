"""`rules.yaml`: what is decided about a row, by rules and by the model's score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List


@dataclass(kw_only=True)
class Rule:
    """A condition, and the decision where it holds."""

    name: str
    """Answers and metrics name the rule by it; no two share one."""
    when: str
    """A DuckDB SQL condition over a request's columns, the declared features, and `probability`, the model's score.
    NULL, and what cannot be computed for a row, counts as not holding."""
    then: str
    """One of `decisions`."""


@dataclass(kw_only=True)
class ModelDecisions:
    """What the model alone decides."""

    below: str = "allow"
    """Where the score is below the threshold."""
    above: str = "block"
    """From the threshold on."""


@dataclass(kw_only=True)
class Rules:
    """The first rule that holds decides; where none does, the model."""

    decisions: List[str] = field(default_factory=lambda: ["allow", "review", "block"])
    """All that can be decided, mildest first. From `model.above` on a decision counts as flagged."""
    model: ModelDecisions = field(default_factory=ModelDecisions)
    """Where no rule holds."""
    rules: List[Rule] = field(default_factory=list)
    """In this order."""
