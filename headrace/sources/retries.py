"""Try again, with growing waits, what can pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import tenacity

from headrace.console import say
from headrace.errors import SourceError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
ATTEMPTS = 5
WAIT_SECONDS = 1.0
LONGEST_WAIT = 60.0
PASSING = (SourceUnavailable, ConnectionError, TimeoutError)


def persist(action: Callable[[], Result], attempts: int = ATTEMPTS, wait_seconds: float = WAIT_SECONDS) -> Result:
    """Return what `action` returns, at the latest at its last attempt; say each attempt that failed.

    Waits double, with some chance in them, so that many clients of one source do not come back at once.

    Raises:
        SourceError: the last attempt failed too. What cannot pass is raised at once, as it is.
    """
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_exponential(wait_seconds, max=LONGEST_WAIT) + tenacity.wait_random(0, wait_seconds),
        retry=tenacity.retry_if_exception_type(PASSING),
        before_sleep=lambda state: _say_failure(state, attempts),
        reraise=True,
    )
    try:
        return retrying(action)
    except PASSING as error:
        raise SourceError(f"{error}. Gave up after {attempts} attempt{'s' * (attempts > 1)}.") from error


def _say_failure(state: tenacity.RetryCallState, attempts: int) -> None:
    assert state.outcome
    assert state.next_action
    following = f"Attempt {state.attempt_number} of {attempts}; the next in {state.next_action.sleep:.1f} s."
    say(f"{state.outcome.exception()}. {following}")
