"""Answers as a service gives them."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

from headrace.prediction_log import Entry, Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.prediction_log import PredictionLog

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
KEYS = (OLD,)
NOW = dt.datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=dt.UTC)
INSTANCE = {"id": 1, "paid at": dt.date(2026, 11, 23), "amount": decimal.Decimal("12.50"), "country": None}


def answer(request_id: str, **changed: Any) -> Entry:
    """Return an answer, with some of it changed."""
    usual: dict[str, Any] = {
        "time": NOW,
        "subject": 596,
        "instance": INSTANCE,
        "features": {"amount": 12.5, "count": float("nan")},
        "score": 0.25,
        "decision": "allow",
        "variant": "champion",
        "model_version": "0123456789ab",
    }
    return Entry(request_id=request_id, **{**usual, **changed})


def append(log: PredictionLog, *entries: Entry) -> list[Any]:
    """Append entries at once; return what each became, its exception where it was refused."""
    return asyncio.run(_append(log, entries))


async def _append(log: PredictionLog, entries: Iterable[Entry]) -> list[Any]:
    return await asyncio.gather(*(log.append(entry) for entry in entries), return_exceptions=True)
