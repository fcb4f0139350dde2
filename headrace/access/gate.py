"""The gate of a service: what passes it may be answered."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import math
from collections import Counter
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from headrace.access.bucket import Bucket
from headrace.access.refusing import (
    Refused,
    expired_token,
    missing_scope,
    no_token,
    too_large,
    too_many_requests,
    unreadable_tokens,
    wrong_token,
)
from headrace.access.tokens import ID_LENGTH, PREFIX, Token, read_tokens
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from starlette.types import Receive

    from headrace.declaration.serving import Access

SECONDS_BETWEEN_LOOKS = 0.5
"""A revoked token is refused after this time, wherever it is used."""
BEGINNING = PREFIX.encode()
ID = slice(len(PREFIX), len(PREFIX) + ID_LENGTH)
MARK = slice(ID.stop, ID.stop + 1)
SECRET = slice(MARK.stop, None)

Header = tuple[bytes, bytes]


class Gate:
    """Lets everybody pass, with bodies up to a size.

    Args:
        largest_body: Bytes.
    """

    def __init__(self, largest_body: int) -> None:
        self.largest_body = largest_body
        self.refusals: Counter[str] = Counter()
        """How many requests this worker refused, by reason."""

    def check(self, scope: str, authorization: bytes | None, now: float) -> None:
        """Raise Refused where a request may not be answered.

        Args:
            scope: What it needs.
            authorization: The header of that name, where there is one.
            now: Seconds since 1970.
        """

    async def read_body(self, headers: Iterable[Header], receive: Receive) -> bytes:
        """Return the body of a request, which is read no further than the limit.

        Args:
            headers: The request's, as ASGI has them.
            receive: ASGI's.

        Raises:
            Refused: It is too large, or says that it is.
            starlette.requests.ClientDisconnect: The client is gone.
        """
        said = next((value for name, value in headers if name == b"content-length"), b"0")
        if said.isdigit() and int(said) > self.largest_body:
            raise self._counted(too_large(self.largest_body))
        body = bytearray()  # a body may come byte by byte
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self.largest_body:
                raise self._counted(too_large(self.largest_body))
            if not message.get("more_body"):
                return bytes(body)

    def _counted(self, refused: Refused) -> Refused:
        self.refusals[refused.reason] += 1
        return refused


class TokenGate(Gate):
    """Lets pass who has a token with the scope that is needed, as often as it may ask.

    A change of the file counts within a second. Limits are those of the whole service: each of its workers, who do not
    ask one another, lets its share pass. A client that keeps to one connection, and so to one worker, gets that share.

    Args:
        file: The tokens.
        requests_per_second: The limit of tokens that have none of their own.
        workers: How many processes answer.
        largest_body: Bytes.

    Raises:
        ConfigError: The file is not what `headrace token` writes.
    """

    def __init__(self, file: Path, requests_per_second: float, workers: int, largest_body: int) -> None:
        super().__init__(largest_body)
        self._file = file
        self._limit, self._workers = requests_per_second, workers
        self._holders: dict[bytes, _Holder] | None = {}
        self._looked = -math.inf
        self._seen = self._look_at_file()
        self._take(read_tokens(file))

    def check(self, scope: str, authorization: bytes | None, now: float) -> None:
        """Raise Refused where a request may not be answered: 401, 403, 429, or 503 while the tokens are unreadable."""
        if not 0.0 <= now - self._looked < SECONDS_BETWEEN_LOOKS:  # a clock that was set back is looked at anew, too
            self._looked = now
            self._look()
        try:
            self._check(scope, authorization, now)
        except Refused as refused:
            raise self._counted(refused) from None

    def _check(self, scope: str, authorization: bytes | None, now: float) -> None:
        if self._holders is None:
            raise unreadable_tokens()
        scheme, _, token = (authorization or b"").partition(b" ")
        if scheme.lower() != b"bearer":
            raise no_token()
        token = token.strip()
        holder = self._holders.get(token[ID])  # an id is no secret: how long it takes to find it may be known
        found = hashlib.sha256(token[SECRET]).digest()
        if holder is None or not compare_digest(found, holder.sha256):
            raise wrong_token()
        if token[: ID.start] != BEGINNING or token[MARK] != b"_":
            raise wrong_token()
        if now >= holder.expires:
            raise expired_token()
        if scope not in holder.scopes:
            raise missing_scope(scope)
        wait = holder.bucket.take(now)
        if wait:
            raise too_many_requests(math.ceil(wait))

    def _look(self) -> None:
        """Read the file again where it is another one than before."""
        seen = self._look_at_file()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            tokens = read_tokens(self._file)
        except ConfigError as error:
            # Who was revoked by what cannot be read would pass otherwise.
            logging.getLogger(__name__).error("%s; nobody is admitted until the tokens can be read again", error)  # noqa: TRY400
            self._holders = None
            return
        self._take(tokens)

    def _look_at_file(self) -> tuple[int, ...]:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _take(self, tokens: Iterable[Token]) -> None:
        """Know these tokens and no others; who is known already has asked what he has asked."""
        before = self._holders or {}
        self._holders = {}
        for token in tokens:
            name, rate = token.id.encode(), (token.requests_per_second or self._limit) / self._workers
            earlier = before.get(name)
            bucket = earlier.bucket if earlier and earlier.bucket.rate == rate else Bucket(rate)
            self._holders[name] = _Holder(token, bucket)


class _Holder:
    """A token as it is checked."""

    __slots__ = ("bucket", "expires", "scopes", "sha256")

    def __init__(self, token: Token, bucket: Bucket) -> None:
        self.sha256 = bytes.fromhex(token.sha256)
        self.scopes = frozenset(token.scopes)
        self.expires = math.inf if token.expires is None else token.expires.astimezone(dt.UTC).timestamp()
        self.bucket = bucket


def open_gate(access: Access, token_file: Path, workers: int) -> Gate:
    """Return the gate that `serving.yaml` and the environment ask for.

    Args:
        access: What they say.
        token_file: What `headrace token` writes.
        workers: How many processes answer.

    Raises:
        ConfigError: The tokens cannot be read, or a limit lets nothing pass.
    """
    for key, limit in (("requests_per_second", access.requests_per_second), ("largest_body", access.largest_body)):
        if not 0 < limit < math.inf:
            raise ConfigError(f"access.{key}: is {limit}; give a number above 0")
    if not access.enabled:
        return Gate(access.largest_body)
    return TokenGate(token_file, access.requests_per_second, workers, access.largest_body)
