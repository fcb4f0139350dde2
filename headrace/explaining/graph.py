"""Which stage needs which, by the files that one writes and the other reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.workspace import Stage


def needed(stages: Sequence[Stage]) -> dict[str, list[str]]:
    """Return the stages that each stage follows directly: those that no other one of these follows anyway."""
    direct = {stage.name: [other.name for other in stages if _follows(stage, other)] for stage in stages}
    before: dict[str, set[str]] = {}
    for name in direct:
        _ancestors(name, direct, before)
    return {
        name: [each for each in others if not any(each in before[other] for other in others)]
        for name, others in direct.items()
    }


def in_order(stages: Sequence[Stage]) -> list[list[Stage]]:
    """Return the stages in the order of their work; those of one rank wait for none of each other."""
    follows = needed(stages)
    ranks: dict[str, int] = {}

    def rank(name: str) -> int:
        if name not in ranks:
            ranks[name] = 0  # a circle ends here; DVC refuses it
            ranks[name] = 1 + max((rank(each) for each in follows[name]), default=-1)
        return ranks[name]

    last = max((rank(stage.name) for stage in stages), default=-1)
    return [[stage for stage in stages if ranks[stage.name] == number] for number in range(last + 1)]


def _follows(stage: Stage, other: Stage) -> bool:
    return stage is not other and any(_touches(dep, out) for dep in stage.deps for out in other.outs)


def _touches(dep: str, out: str) -> bool:
    return dep == out or dep.startswith(f"{out}/") or out.startswith(f"{dep}/")


def _ancestors(name: str, direct: dict[str, list[str]], found: dict[str, set[str]]) -> set[str]:
    if name not in found:
        found[name] = set()
        for each in direct[name]:
            found[name] |= {each} | _ancestors(each, direct, found)
    return found[name]
