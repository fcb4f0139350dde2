"""A whole pipeline, and the part of it that each stage reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional

from headrace.declaration.features import Features
from headrace.declaration.modelling import (
    Evaluation,
    LabelDelay,
    Model,
    Objective,
    Registration,
    Split,
    Target,
    Tracking,
)
from headrace.declaration.rows import RowIdentity, Schema, TypedRows
from headrace.declaration.rules import Rules
from headrace.declaration.serving import Serving


@dataclass(kw_only=True)
class Pipeline:
    """All that can be declared. Groups are chosen by `params.yaml`, so they may be absent."""

    target: Target
    split: Split
    seed: int
    """For sampling, models, Optuna and the bootstrap."""
    evaluation: Evaluation
    registration: Registration
    schema: Schema
    features: Features
    serving: Serving = field(default_factory=Serving)
    rules: Rules = field(default_factory=Rules)
    until: str = "all"
    """Rows before this day are read (`2018-08-15`), or `all` where rows have no time."""
    source: Dict[str, Any] = field(default_factory=dict)
    """`conf/source/<name>.yaml`: `_target_` and its arguments."""
    candidate: Optional[str] = None
    """The name of a candidate in `params.yaml`."""
    model: Optional[Model] = None
    tracking: Optional[Tracking] = None


@dataclass(kw_only=True)
class IngestConfig:
    """What the ingest stage reads."""

    pipeline: str
    until: str
    source: Dict[str, Any]
    schema: RowIdentity


@dataclass(kw_only=True)
class ValidateConfig:
    """What the validate stage reads."""

    pipeline: str
    schema: Schema


@dataclass(kw_only=True)
class FeaturizeConfig:
    """What the featurize stage reads."""

    pipeline: str
    target: Target
    schema: TypedRows
    features: Features


@dataclass(kw_only=True)
class TrainConfig:
    """What the train stage reads."""

    pipeline: str
    candidate: str
    target: LabelDelay
    split: Split
    seed: int
    evaluation: Objective
    model: Model


@dataclass(kw_only=True)
class EvaluateConfig:
    """What the evaluate stage reads."""

    pipeline: str
    target: LabelDelay
    split: Split
    evaluation: Evaluation
    rules: Rules = field(default_factory=Rules)


@dataclass(kw_only=True)
class RegisterConfig:
    """What the register stage reads."""

    pipeline: str
    seed: int
    evaluation: Objective
    registration: Registration
    tracking: Tracking


@dataclass(kw_only=True)
class PackageConfig:
    """What the package stage reads: what a request is, its features, what is decided of it, and how it is served."""

    pipeline: str
    target: Target
    schema: TypedRows
    features: Features
    serving: Serving = field(default_factory=Serving)
    rules: Rules = field(default_factory=Rules)


@dataclass(kw_only=True)
class ServeConfig:
    """What the command line reads to reach what a running service keeps."""

    pipeline: str
    serving: Serving = field(default_factory=Serving)


@dataclass(kw_only=True)
class ReportConfig:
    """What the report stage reads."""

    pipeline: str
    target: Target
    evaluation: Evaluation
    registration: Registration
