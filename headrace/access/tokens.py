"""Tokens as the service knows them: by the hash of their secret, in one file that is written whole or not at all.

A token is `hr_<id>_<secret>`: 8 hexadecimal digits by which it is listed, revoked and found in a log, and 256 random
bits. One SHA-256 of these is enough: a slow hash makes it costly to try all passwords that people think of, and nobody
tries 2^256 of anything. NIST SP 800-63B, 5.1.2.2: secrets with at least 112 bits of entropy are hashed with an approved
one-way function; only those with fewer are salted and hashed by a password hashing scheme.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from headrace.errors import ConfigError
from headrace.locking import alone
from headrace.storage import open_private, write_beside
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PREFIX = "hr_"
"""By it a token is known where it does not belong: in a repository, in a log."""
ID_BYTES, SECRET_BYTES = 4, 32
ID_LENGTH = 2 * ID_BYTES
LONGEST_NAME = 100


class Scope(StrEnum):
    """What a token is good for; none of them includes another."""

    predict = "predict"
    outcomes = "outcomes"
    admin = "admin"


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token without its secret."""

    id: str
    name: str
    """Who has it."""
    sha256: str
    """Of the secret's text, in hexadecimal."""
    scopes: list[Scope]
    created: dt.datetime
    expires: dt.datetime | None = None
    requests_per_second: float | None = None
    """Its own limit, where it has one."""

    def is_expired(self, now: dt.datetime) -> bool:
        """Return whether its time is over."""
        return self.expires is not None and self.expires <= now


class TokenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tokens.json`."""

    tokens: list[Token]


def read_tokens(file: Path) -> list[Token]:
    """Return the tokens, oldest first; none where there is no file.

    Raises:
        ConfigError: The file cannot be read, or holds something else.
    """
    try:
        tokens = msgspec.json.decode(file.read_bytes(), type=TokenFile).tokens
        for token in tokens:
            _check(token)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise ConfigError(f"{file}: {error}; `headrace token` writes it") from error
    return tokens


def create(
    file: Path,
    name: str,
    scopes: Iterable[Scope],
    *,
    requests_per_second: float | None = None,
    lifetime: dt.timedelta | None = None,
) -> tuple[Token, str]:
    """Add a token; services that run take it within a second.

    Args:
        file: Where the tokens are kept.
        name: Who will have it.
        scopes: What it is good for.
        requests_per_second: Its limit; None for that of serving.yaml.
        lifetime: How long it is good; None for ever.

    Returns:
        The token, and its text, which is kept nowhere.

    Raises:
        ConfigError: An argument is not what it should be, or the file cannot be read.
    """
    secret, now = secrets.token_urlsafe(SECRET_BYTES), dt.datetime.now(dt.UTC).replace(microsecond=0)
    with alone(file):
        tokens = read_tokens(file)
        token = Token(
            id=_free_id(tokens),
            name=name,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=sorted(set(scopes)),
            created=now,
            expires=None if lifetime is None else now + lifetime,
            requests_per_second=requests_per_second,
        )
        try:
            _check(token)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        _write(file, [*tokens, token])
    return token, f"{PREFIX}{token.id}_{secret}"


def revoke(file: Path, token_id: str) -> Token:
    """Remove a token; services that run refuse it within a second.

    Raises:
        ConfigError: There is no such token, or the file cannot be read.
    """
    with alone(file):
        tokens = {token.id: token for token in read_tokens(file)}
        if token_id not in tokens:
            raise ConfigError(f"{file}: no token has the id '{token_id}'; {known(token_id, tokens)}")
        revoked = tokens.pop(token_id)
        _write(file, list(tokens.values()))
    return revoked


def _check(token: Token) -> None:
    """Raise ValueError where a token could not be used as it is meant."""
    if not token.name or len(token.name) > LONGEST_NAME or not token.name.isprintable():
        raise ValueError(f"name: is {token.name!r}; give 1 to {LONGEST_NAME} characters that can be printed")
    if not token.scopes:
        raise ValueError(f"scopes of {token.name}: are none; {known('', Scope)}")
    rate = token.requests_per_second
    if rate is not None and not 0 < rate < float("inf"):
        raise ValueError(f"requests_per_second of {token.name}: is {rate}; give a number above 0")
    if token.expires is not None and (token.expires.tzinfo is None or token.expires <= token.created):
        raise ValueError(f"expires of {token.name}: is {token.expires}; give a time after its creation, with its zone")
    if len(token.id) != ID_LENGTH or len(bytes.fromhex(token.sha256)) != hashlib.sha256().digest_size:
        raise ValueError(f"id or sha256 of {token.name}: is too long or too short")


def _free_id(tokens: list[Token]) -> str:
    taken = {token.id for token in tokens}
    return next(found for found in iter(lambda: secrets.token_hex(ID_BYTES), "") if found not in taken)


def _write(file: Path, tokens: list[Token]) -> None:
    text = msgspec.json.format(msgspec.json.encode(TokenFile(tokens)), indent=2)
    with write_beside(file) as beside, open_private(beside) as opened:
        opened.write(text + b"\n")
        opened.flush()
        os.fsync(opened.fileno())  # who revoked a token need not do it again after a power cut
