"""Headrace's service with a prediction log that keeps nothing: what the log costs."""

from headrace.prediction_log import PredictionLog


async def append(*_: object) -> None:
    """Acknowledge, and forget."""


PredictionLog.append = append  # type: ignore[method-assign, assignment]

from headrace.service.entry import Service  # noqa: E402

__all__ = ["Service"]
