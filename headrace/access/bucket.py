"""A token bucket: it fills evenly, and a request takes one drop."""

from __future__ import annotations


class Bucket:
    """What one token may still ask.

    Args:
        rate: Requests a second. As many, and one at least, may come at once.
    """

    __slots__ = ("_at", "_level", "_size", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._size = max(rate, 1.0)
        self._level = self._size
        self._at = 0.0

    def take(self, now: float) -> float:
        """Take one drop where there is one.

        Args:
            now: Seconds; a clock that was set back fills nothing.

        Returns:
            0, or how many seconds it takes until there is one.
        """
        passed = now - self._at
        self._at = now
        if passed > 0.0:
            self._level = min(self._size, self._level + passed * self.rate)
        if self._level >= 1.0:
            self._level -= 1.0
            return 0.0
        return (1.0 - self._level) / self.rate
