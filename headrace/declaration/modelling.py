"""The sections of `pipeline.yaml`, and `conf/model/`: how candidates are trained, judged and admitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Dict, List, Optional


class TaskName(StrEnum):
    """What a label is, and so what a model says of a row."""

    binary = "binary"
    """One of two: the probability of the positive one; from a threshold on a row is flagged."""
    multiclass = "multiclass"
    """One of three or more: a probability for each, and the most probable one is predicted."""
    regression = "regression"
    """A number."""


@dataclass(kw_only=True)
class LabelDelay:
    """When a label is known."""

    delay: str
    """How long after its row; `0s` for at once."""


@dataclass(kw_only=True)
class Target(LabelDelay):
    """What is predicted."""

    column: str
    """The column of `schema.yaml` that is the label."""
    task: TaskName = TaskName.binary
    """`binary`, `multiclass` (the classes are the column's `values` in schema.yaml, in that order) or `regression`."""
    positive: Any = None
    """The value of the column that counts as positive; of a binary target alone."""


@dataclass(kw_only=True)
class TimeSplit:
    """Test rows are the last ones before `until`; whatever trains ends one label delay before what it is judged on."""

    test: str
    """How long the test period is."""
    validation: str
    """How long each validation fold is; folds step back in time from the last labels known when testing starts."""
    folds: int = 2
    """How many validation folds."""
    train: Optional[str] = None
    """How long a training period is; all that there is where it is left out."""
    exclude_known: Optional[str] = None
    """An entity column: rows of entities whose positive label is known by then are left out of what is judged. Of a
    binary target alone."""
    known_for: Optional[str] = None
    """How long before the end of training a positive label counts for `exclude_known`; all of the training period where
    it is left out. It keeps what is judged the same while `train` is changed."""


@dataclass(kw_only=True)
class RowSplit:
    """Rows are dealt out by a hash of their key, so that a row stays on its side when others are added."""

    test_share: float = 0.2
    """The share of rows that only judge."""
    folds: int = 5
    """Each is judged by a fit on the others."""


@dataclass(kw_only=True)
class Split:
    """Exactly one of the two."""

    time: Optional[TimeSplit] = None
    """By time, as it passes."""
    rows: Optional[RowSplit] = None
    """By key, for rows where time tells nothing."""


@dataclass(kw_only=True)
class SearchRange:
    """One dimension of a search space: either `choices`, or `low` and `high`."""

    start: Optional[Any] = None
    """The first trial's value, and the value where `trials` is 0; the estimator's default where it is left out."""
    low: Optional[float] = None
    """The smallest value that is tried."""
    high: Optional[float] = None
    """The largest value that is tried."""
    log: bool = False
    """Spread evenly over magnitudes."""
    integer: bool = False
    """Whole numbers alone."""
    choices: Optional[List[Any]] = None
    """Values of any type."""


@dataclass(kw_only=True)
class Model:
    """`conf/model/<name>.yaml`: a scikit-learn estimator, its parameters and what is searched.

    A classifier serves binary and multiclass targets, a regressor those that are numbers.
    """

    _target_: str
    """The class; `conf/targets.yaml` has to list it."""
    params: Dict[str, Any] = field(default_factory=dict)
    """Fixed for every trial; any name that the library knows."""
    search: Dict[str, SearchRange] = field(default_factory=dict)
    """What Optuna tries, by the name of the parameter."""
    trials: int = 0
    """How many sets of parameters Optuna tries; none where it is 0."""
    prepare: str = "native"
    """`native`: the estimator takes categories and missing values itself; `encode`: they are one-hot encoded, imputed
    and scaled for it."""
    balance: str = "none"
    """`none`, or `weights`: all classes weigh the same in training. Of a classifier alone."""
    maximum_rows_ratio: Optional[float] = None
    """Negative rows kept in training for each positive one; all where it is left out, and where the target is not
    binary."""


@dataclass(kw_only=True)
class PrecisionAt:
    """Of the `count` entities with the highest scores in a period, the share that is positive; a mean over all."""

    entity: str
    """Whom people look at, such as a card."""
    count: int = 100
    """How many of them in a period."""
    period: str = "1d"
    """A length such as `1d`."""


@dataclass(kw_only=True)
class Costs:
    """What a decision costs, in the currency of the data."""

    false_positive: float
    """A number of units per row."""
    false_negative: str
    """A DuckDB SQL expression over the features: the amount lost, say."""


@dataclass(kw_only=True)
class Objective:
    """What candidates compete for."""

    metric: str
    """Tuning and the winner go by it on validation rows, the comparison with the champion on test rows."""


@dataclass(kw_only=True)
class Evaluation(Objective):
    """How candidates are judged."""

    false_positive_budget: Optional[float] = None
    """The largest share of negatives that may be flagged, 0.01 where it is left out; the threshold follows from it, on
    validation rows. Of a binary target alone, as `precision_at`, `costs` and `knowable` are."""
    precision_at: Optional[PrecisionAt] = None
    """For a team that looks at so many a day."""
    slices: List[str] = field(default_factory=list)
    """Columns by whose values the metrics are shown apart."""
    costs: Optional[Costs] = None
    """Turn the decisions into money."""
    knowable: Optional[str] = None
    """A DuckDB SQL condition over the features that says of a positive row whether it could have been known for one:
    that it is unusual in itself, or that an earlier positive of one of its entities is known by then. Beside recall the
    report then shows recall among these, and their share as the most that any model can reach."""


@dataclass(kw_only=True)
class Registration:
    """When a winner is better than the champion."""

    resamples: int = 1000
    """How many draws of the paired bootstrap."""
    confidence: float = 0.95
    """Of the interval of the difference."""
    minimum_gain: float = 0.0
    """The lower end of the interval of the difference has to be above this."""


@dataclass(kw_only=True)
class Tracking:
    """`conf/tracking/<name>.yaml`: where MLflow keeps runs and the registry."""

    uri: str
    """MLflow's tracking URI, which is also the registry's."""
    artifacts: Optional[str] = None
    """Where artifacts go when the experiment is made here; the server's own place where it is left out."""
