"""How the command line says what went wrong, where nothing heavy has to be imported for it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, NoReturn

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def errors_said() -> Iterator[None]:
    """Say in a line on stderr what a user can mend, and leave with code 1.

    What composes a config has `headrace.config.one_line_errors` for that, which knows Hydra's errors too.
    """
    try:
        yield
    except HeadraceError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what was wrong, a line for each thing, and leave with code 1."""
    print("\n".join(f"error: {line}" for line in message.splitlines()), file=sys.stderr, flush=True)
    raise SystemExit(1)
