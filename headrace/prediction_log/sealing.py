"""How the log keeps what it is told secret, and whose row it is unsaid.

A payload is sealed with AES-256-GCM. Each process that writes derives a key of its own from the log's key
(HKDF-SHA256, a random salt) and counts its nonces: random ones would repeat after some 2^32 rows, which a busy service
writes within weeks. A sealed payload is salt (16 bytes), nonce (12), ciphertext, tag (16); the request id and the key's
id are bound to it, so that a payload that is moved to another row does not open.

A subject is kept as HMAC-SHA256 under a key that is made once, with the log, and kept in it sealed like a payload. So
the log's keys are the only secrets to keep, and a subject's hash stays the same when they are rotated: rotation seals
the subject key anew, and changes no hash. A retired key that leaks opens nothing of a log that was rotated.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hmac
import itertools
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headrace.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.prediction_log.keys import Key

SALT, NONCE = 16, 12
HEAD = SALT + NONCE
INFORMATION = b"headrace prediction log 1"


class Sealer:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.key_id = keys[0].id
        self._secrets = {key.id: key.secret for key in keys}
        self._salt = os.urandom(SALT)
        self._nonces = itertools.count()
        self._seal = self._cipher(self.key_id, self._salt).encrypt
        self._ciphers: dict[tuple[str, bytes], AESGCM] = {}

    def seal(self, plain: bytes, name: str) -> bytes:
        """Return what opens under the same name alone."""
        nonce = next(self._nonces).to_bytes(NONCE, "big")
        return self._salt + nonce + self._seal(nonce, plain, _bound(name, self.key_id))

    def open(self, sealed: bytes, name: str, key_id: str) -> bytes:
        """Return what was sealed.

        Raises:
            ConfigError: Its key is not among those given.
            IntegrityError: It is not what was sealed under this name and key.
        """
        salt = sealed[:SALT]
        cipher = self._ciphers.get((key_id, salt))
        if cipher is None:
            if key_id not in self._secrets:
                listed = ", ".join(self._secrets)
                where = "HEADRACE_LOG__KEYS, or the file HEADRACE_LOG__KEY_FILE"
                raise ConfigError(f"{where}: key '{key_id}' is needed and not there; found {listed}; add it")
            cipher = self._ciphers[key_id, salt] = self._cipher(key_id, salt)
        try:
            return cipher.decrypt(sealed[SALT:HEAD], sealed[HEAD:], _bound(name, key_id))
        except (InvalidTag, ValueError) as error:
            said = name.lstrip("\0")
            raise IntegrityError(
                f"prediction log: {said}: what is stored was altered, or key '{key_id}' is not the one of then"
            ) from error

    def _cipher(self, key_id: str, salt: bytes) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, INFORMATION).derive(self._secrets[key_id]))


def hash_subject(value: Any, key: bytes) -> bytes:
    """Return the pseudonym of a subject, 32 bytes: of its text, so that 596 and '596' are the same."""
    return hmac.digest(key, subject_text(value).encode(), "sha256")


def subject_text(value: Any) -> str:
    """Return the one text of a subject, however it was written: 596 of 596.00, and ISO 8601 of a time."""
    if isinstance(value, float):
        value = decimal.Decimal(repr(float(value)))  # NumPy's are floats that say more
    if isinstance(value, decimal.Decimal):
        digits = f"{value:f}"
        digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
        return "0" if digits == "-0" else digits
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _bound(name: str, key_id: str) -> bytes:
    return f"{key_id} {name}".encode()
