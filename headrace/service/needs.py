"""Which scope of a token a request needs."""

from __future__ import annotations

from headrace.access import Scope

OPEN = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""For Kubernetes and Prometheus, which say nothing of a person; a network policy tells who reaches them."""
OUTCOMES = "/outcomes"
PREDICT = frozenset({"/predict", "/predict_batch", "/model", "/docs.json", "/schema.json", "/"})
PROTOCOL = "/v2"


def needed_scope(path: str) -> str | None:
    """Return the scope that a path needs; None where it is open to all."""
    if path in PREDICT:
        return Scope.predict
    if path in OPEN:
        return None
    if path == OUTCOMES:
        return Scope.outcomes
    if path == PROTOCOL or path.startswith((f"{PROTOCOL}/", "/static_content/")):
        return Scope.predict
    return Scope.admin
