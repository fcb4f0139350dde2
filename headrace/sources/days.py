"""Days as they are written in a declaration."""

from __future__ import annotations

from datetime import date

from headrace.errors import ConfigError


def parse_day(text: str, key: str) -> date:
    """Return the day that `text` names.

    Raises:
        ConfigError: it names none; the message starts with `key`.
    """
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{key}: '{text}' is no day; write one such as 2018-08-15") from error
