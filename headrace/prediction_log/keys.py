"""The keys of the log: from the environment, from a file, or made where nobody gave one."""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace.errors import ConfigError
from headrace.storage import open_private

if TYPE_CHECKING:
    from pathlib import Path

BYTES = 32
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
HOW = (
    f"write <id>:<{BYTES} random bytes in base64>, such as "
    '"$(date +%F):$(head -c 32 /dev/urandom | base64)"; the first one encrypts'
)


@dataclass(frozen=True)
class Key:
    """A secret, and the name that rows remember it by."""

    id: str
    secret: bytes = field(repr=False)


def read_keys(given: str | None, file: Path) -> tuple[Key, ...]:
    """Return the keys, the one that encrypts first.

    Args:
        given: `id:base64,...`, as the environment says it; None where it says nothing.
        file: A file with keys, each on a line or behind a comma; it is made, with a new key, where nothing is given and
            it does not exist.

    Raises:
        ConfigError: A key is not well written, or the file cannot be read.
    """
    if given is not None:
        return _parse(given.split(","), "HEADRACE_LOG__KEYS")
    try:
        if not file.exists():
            _make(file)
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: the keys of the prediction log cannot be read: {error}") from error
    texts = [text for line in lines if not line.startswith("#") for text in line.split(",")]
    return _parse([text for text in texts if text.strip()], str(file))


def _parse(texts: list[str], where: str) -> tuple[Key, ...]:
    keys = tuple(_key(text.strip(), f"{where}: key {place}") for place, text in enumerate(texts, start=1))
    if not keys:
        raise ConfigError(f"{where}: holds no key; {HOW}")
    ids = [key.id for key in keys]
    repeated = sorted({each for each in ids if ids.count(each) > 1})
    if repeated:
        raise ConfigError(f"{where}: two keys are called {repeated[0]}; rows remember a key by its id")
    return keys


def _key(text: str, where: str) -> Key:
    # The text is a secret: what is wrong is said without showing it.
    name, _, encoded = text.partition(":")
    if not NAME.fullmatch(name) or not encoded:
        raise ConfigError(f"{where}: has no id of letters, digits, '.', '_' and '-' before a colon; {HOW}")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{where} ({name}): is not base64; {HOW}") from None
    if len(secret) != BYTES:
        raise ConfigError(f"{where} ({name}): has {len(secret)} bytes; {HOW}")
    return Key(name, secret)


def _make(file: Path) -> None:
    """Write a new key for this machine alone; another worker that does so at the same moment makes no second one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    with open_private(beside) as opened:
        opened.write(f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(BYTES)).decode()}\n".encode())
        opened.flush()
        os.fsync(opened.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(beside, file)
            logging.getLogger(__name__).warning(
                "NO KEY for the prediction log was given: one was made in %s. Keep a copy of it elsewhere: without it "
                "what is logged cannot be read. In production give it as HEADRACE_LOG__KEYS or HEADRACE_LOG__KEY_FILE.",
                file,
            )
    finally:
        beside.unlink()
