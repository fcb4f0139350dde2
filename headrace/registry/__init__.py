"""MLflow: a run for each candidate, a registered model for each pipeline, both from what DVC holds and never twice."""

from headrace.registry.registering import register
from headrace.registry.saying import describe
from headrace.registry.syncing import sync

__all__ = ["describe", "register", "sync"]
