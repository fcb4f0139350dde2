"""The service takes JSON: what says that it is something else is refused before BentoML tries to parse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

JSON = "application/json"
PROTOCOL = "/v2/"
UNSUPPORTED = 415


class JsonOnly:
    """Answers 415 to a body of another kind; BentoML answers 500 to a form that is broken.

    Args:
        app: What answers all other requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        kind = ""
        if scope["type"] == "http" and not scope["path"].startswith(PROTOCOL):  # which has tensors in bytes, too
            kind = Headers(scope=scope).get("content-type", "")
        # Nothing said is taken for JSON, as BentoML does.
        if not kind or kind.partition(";")[0].strip().lower() == JSON:
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse({"error": f"found Content-Type: {kind}; send {JSON}"}, UNSUPPORTED)
        await refusal(scope, receive, send)
