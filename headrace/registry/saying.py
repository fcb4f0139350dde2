"""A registration in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(registration: Mapping[str, Any]) -> str:
    """Say what became of the winner, and why."""
    said = _SAY[registration["decision"]](registration)
    registered = registration["decision"] not in {"not better", "champion"}
    return f"{registration['candidate']} {said}" + (_registered(registration) if registered else "")


def _registered(registration: Mapping[str, Any]) -> str:
    return f"; registered as v{registration['version']}, alias {registration['alias']}"


def _first(_: Mapping[str, Any]) -> str:
    return "is the first model"


def _better(registration: Mapping[str, Any]) -> str:
    return f"is better than champion v{registration['champion_version']} by {_gain(registration)}"


def _not_better(registration: Mapping[str, Any]) -> str:
    champion = registration["champion_version"]
    return f"is not surely better than champion v{champion}: {_gain(registration)}; not registered"


def _champion(registration: Mapping[str, Any]) -> str:
    return f"is champion v{registration['version']}"


def _new_threshold(registration: Mapping[str, Any]) -> str:
    return f"is champion v{registration['champion_version']} with another threshold ({registration['reason']})"


def _not_comparable(registration: Mapping[str, Any]) -> str:
    return f"cannot be compared with champion v{registration['champion_version']}: {registration['reason']}"


def _gain(registration: Mapping[str, Any]) -> str:
    low, high = registration["interval"]
    return (
        f"{registration['difference']:.3f} {registration['metric']} "
        f"({registration['confidence'] * 100:g} % interval {low:.3f} to {high:.3f})"
    )


_SAY = {
    "first": _first,
    "better": _better,
    "not better": _not_better,
    "champion": _champion,
    "new threshold": _new_threshold,
    "not comparable": _not_comparable,
}
