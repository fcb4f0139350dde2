"""Headrace's service with windows that remember nothing: what they cost."""

from collections.abc import Sequence

from headrace.live import LiveFeatures


def ask_each(self: LiveFeatures, asked: Sequence[tuple[dict[str, object], object]]) -> list[list[float | str | None]]:
    """Compute what one row is enough for."""
    return [self.without_windows(row) for row, _ in asked]


LiveFeatures.ask_each = ask_each  # type: ignore[method-assign, assignment]

from headrace.service.entry import Service  # noqa: E402

__all__ = ["Service"]
