"""`rules.yaml`: what is decided about a row, by rules and by the model's score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List


@dataclass(kw_only=True)
class Rule:
    """A condition, and the decision where it holds."""

    name: str
    """Answers and metrics name the rule by it; no two share one."""
    when: str
    """A DuckDB SQL condition over a request's columns, the declared features, and what the model says: `probability`
    (of the positive class, or of the class that is predicted) and `prediction` (that class, or the number; not of a
    binary target). NULL, and what cannot be computed for a row, counts as not holding."""
    then: str
    """One of `decisions`."""


@dataclass(kw_only=True)
class Rules:
    """The first rule that holds decides; where none does, the model.

    What is left out the task fills in (`headrace.rules.settle`).
    """

    decisions: List[str] = field(default_factory=list)
    """All that can be decided, mildest first. Left out, they are `[allow, review, block]` of a binary target, the
    classes of a multiclass one, `[accept, review]` of a number."""
    model: Dict[Any, str] = field(default_factory=dict)
    """What the model alone decides. Binary: `below` the threshold (`allow`), and `above`, from it on (`block`); from
    the latter on a decision counts as flagged. Multiclass: a decision for each class, the class itself where it is left
    out. Regression: `always`, the first decision where it is left out."""
    rules: List[Rule] = field(default_factory=list)
    """In this order."""
