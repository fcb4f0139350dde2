"""The fast lane: what is plainly a right request is answered here, before BentoML reads it.

BentoML's own routes describe these requests in the OpenAPI document, and take whatever is refused here: they know how
to say what is wrong. Both hand on to the same `Answering`.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from headrace.errors import ConfigError, ConflictError, DataError, LogUnavailable, WindowsUnavailable
from headrace.service.counting import READY
from headrace.service.reading import Unread

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from headrace.service.answering import Answer, BatchAnswer
    from headrace.service.batching import Batching
    from headrace.service.reading import Reader
    from headrace.service.worker import Worker

PREDICT, PREDICT_BATCH = "/predict", "/predict_batch"
JSON = (b"content-type", b"application/json")
OK, UNAVAILABLE, INTERNAL = 200, 503, 500
FAILED = "the service failed, and its log says why; nothing was acknowledged"
_logger = logging.getLogger(__name__)


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is answered where there is no answer."""

    error: str
    request_id: str | None = None
    """What to ask again with."""


def failure_of(error: Exception) -> tuple[int, Failure]:
    """Return the status and the body for what went wrong, with nothing in it of what is inside."""
    if isinstance(error, LogUnavailable | WindowsUnavailable):
        away = "prediction log cannot be written" if isinstance(error, LogUnavailable) else "windows cannot be read"
        again = "ask again with this request_id" if error.request_id else "ask again"
        return UNAVAILABLE, Failure(f"the {away} now; {again}", error.request_id)
    if isinstance(error, ConfigError):
        _logger.error("%s", error)
        return UNAVAILABLE, Failure("the service lacks a setting for this request, and its log says which")
    if isinstance(error, ConflictError):
        return 409, Failure(str(error))
    if isinstance(error, DataError):
        return 422, Failure(str(error))
    _logger.error("a request failed", exc_info=error)
    return INTERNAL, Failure(FAILED)


class Lane:
    """Answers right requests to predict, and whether it is ready; hands on the rest.

    Args:
        app: What answers the rest.
        worker: What answers are made with.
        reader: Reads requests.
        batching: Answers those of many rows.
    """

    def __init__(self, app: ASGIApp, worker: Worker, reader: Reader, batching: Batching) -> None:
        self._app, self._worker = app, worker
        self._reader, self._batching = reader, batching
        self._routes = {("POST", PREDICT): self._predict, ("POST", PREDICT_BATCH): self._predict_batch}
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] == READY:
            ready = self._worker.is_ready()
            await self._send(send, OK if ready else UNAVAILABLE, {"ready": ready, **self._worker.states()})
            return
        since = time.perf_counter()
        answer = self._routes.get((scope["method"], scope["path"]))
        if answer is None or not _says_json(scope):
            await self._app(scope, receive, send)
            return
        message = await receive()
        status = OK
        try:
            body = await answer(message["body"], since)
        except Unread:
            await self._app(scope, _again(message, receive), send)
            return
        except Exception as error:  # noqa: BLE001  the client is told
            status, body = failure_of(error)
        await self._send(send, status, body)

    async def _predict(self, body: bytes, since: float) -> Answer:
        request = self._reader.single(body)
        return await self._worker.answering.answer(
            request.row, request.request_id, explain=request.explain, since=since
        )

    async def _predict_batch(self, body: bytes, since: float) -> BatchAnswer:
        request = self._reader.batch(body)
        return await self._batching.answer(request.instances, request.request_id, since)

    async def _send(self, send: Send, status: int, content: object) -> None:
        body = self._encode(content)
        headers = [JSON, (b"content-length", b"%d" % len(body))]
        if status == UNAVAILABLE:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _says_json(scope: Scope) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), JSON[1])
    return bool(kind.startswith(JSON[1]))


def _again(message: Message, receive: Receive) -> Receive:
    """Return an ASGI `receive` that gives a message that was read, and then what comes."""
    left = [message]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
