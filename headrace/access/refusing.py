"""A request that is not admitted, and what is said to it: why, and nothing of what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from starlette.types import Send

CHALLENGE = 'Bearer realm="headrace"'
"""RFC 6750, 3: the scheme is followed by one parameter or more, and by no error where no token was given."""


class Refused(HeadraceError):  # noqa: N818  it is called what it is
    """A request is not admitted.

    Args:
        status: The HTTP status.
        reason: A word to count it by.
        message: What the client is told.
        headers: What the answer has beside its kind and length.
    """

    def __init__(self, status: int, reason: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.headers = headers

    @property
    def body(self) -> bytes:
        """The answer's body, JSON."""
        return msgspec.json.encode({"error": str(self)})

    async def answer(self, send: Send) -> None:
        """Answer a request by ASGI."""
        body = self.body
        length = (b"content-length", str(len(body)).encode())
        headers = [(b"content-type", b"application/json"), length, *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def no_token() -> Refused:
    """Return what is said where no token is given."""
    message = "no token; send Authorization: Bearer <token>"
    return Refused(401, "no_token", message, ((b"www-authenticate", CHALLENGE.encode()),))


def wrong_token() -> Refused:
    """Return what is said to a token that is unknown, broken or revoked."""
    return _invalid("wrong_token", "the token is not valid")


def expired_token() -> Refused:
    """Return what is said to a token that was good once; only who has its secret learns that."""
    return _invalid("expired_token", "the token has expired")


def missing_scope(scope: str) -> Refused:
    """Return what is said to a token that is good for something else."""
    challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'
    message = f"the token has not the scope {scope}"
    return Refused(403, "missing_scope", message, ((b"www-authenticate", challenge.encode()),))


def too_many_requests(seconds: int) -> Refused:
    """Return what is said to a token that asks too often.

    Args:
        seconds: After how many there is room for a request.
    """
    message = f"too many requests; try again after {seconds} s"
    return Refused(429, "too_many_requests", message, ((b"retry-after", str(seconds).encode()),))


def too_large(largest: int) -> Refused:
    """Return what is said to a body that is too large; what comes of it still is not waited for.

    Args:
        largest: How many bytes are taken.
    """
    message = f"the body is too large; send at most {largest} bytes"
    return Refused(413, "body_too_large", message, ((b"connection", b"close"),))


def unreadable_tokens() -> Refused:
    """Return what is said while nobody can be told from anybody."""
    return Refused(503, "unreadable_tokens", "the service cannot check tokens now; try again later")


def _invalid(reason: str, message: str) -> Refused:
    challenge = f'{CHALLENGE}, error="invalid_token"'
    return Refused(401, reason, message, ((b"www-authenticate", challenge.encode()),))
