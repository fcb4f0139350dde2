"""Every answer is counted, whoever gives it: the gate, the fast lane, BentoML's routes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from headrace.service.worker import Worker

ROUTES = {"/predict", "/predict_batch", "/outcomes", "/model", "/metrics", "/livez", "/healthz", "/docs.json", "/"}
READY = "/readyz"
INTERNAL, TIMEOUT = 500, 504


class Counted:
    """Counts requests by route and status, and how long they took. Readiness is asked too often to be told.

    Args:
        app: What answers.
        worker: What has the counters.
    """

    def __init__(self, app: ASGIApp, worker: Worker) -> None:
        self._app, self._worker = app, worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] == READY:
            await self._app(scope, receive, send)
            return
        since = time.perf_counter()
        status: int | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            status = status or TIMEOUT  # BentoML says so to the client
            raise
        except Exception:
            status = status or INTERNAL
            raise
        finally:
            if status is not None:  # a client that is gone was answered nothing
                self._worker.metrics.answered(route_of(scope["path"]), status, time.perf_counter() - since)


def route_of(path: str) -> str:
    """Return the route that a request took, by which it is counted: not its path, of which there are any number."""
    if path.startswith("/v2"):
        return "/v2"
    return path if path in ROUTES else "other"
