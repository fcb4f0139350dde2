"""Headrace's service with windows that remember nothing: what they cost."""

from headrace.live import LiveFeatures


def ask(self: LiveFeatures, row: dict[str, object], _: object) -> list[float | str | None]:
    """Compute what one row is enough for."""
    return self.without_windows(row)


LiveFeatures.ask = ask  # type: ignore[method-assign, assignment]

from headrace.service.entry import Service  # noqa: E402

__all__ = ["Service"]
