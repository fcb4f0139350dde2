"""The gate before an ASGI application."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from headrace.access.refusing import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from headrace.access.gate import Gate


class Guarded:
    """Hands on what the gate lets pass, with a body that is whole, and answers the rest.

    Args:
        app: What answers.
        gate: The gate.
        needs: The scope that a path needs, None where it is open to all. The path is that of the request as it came;
            let it name the scope `admin` for what it does not know.
    """

    def __init__(self, app: ASGIApp, gate: Gate, needs: Callable[[str], str | None]) -> None:
        self._app = app
        self._gate = gate
        self._needs = needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            needed = self._needs(scope["path"])
            if needed is not None:
                self._gate.check(needed, authorization_of(scope), time.time())
            body = await self._gate.read_body(scope["headers"], receive)
        except Refused as refused:
            await refused.answer(send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        else:
            await self._app(scope, _again(body, receive), send)


def authorization_of(scope: Scope) -> bytes | None:
    """Return the first header `Authorization` of a request."""
    return next((value for name, value in scope["headers"] if name == b"authorization"), None)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return an ASGI `receive` that gives a body that was read, and then what comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
