"""The stages of `dvc.yaml`, with the choices of `params.yaml` in their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from headrace.errors import ConfigError
from headrace.workspace.lines import LOADER, syntax_problem
from headrace.workspace.params import read_params

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DVC = Path("dvc.yaml")
HOLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Stage:
    """One stage, for one pipeline or for one candidate."""

    name: str
    """As DVC calls it, such as `train@fraud-lightgbm`."""
    cmd: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: Mapping[str, tuple[str, ...]]
    """The keys that it reads, by file; no keys are all of them."""
    pipeline: str | None
    candidate: str | None
    """The candidate of `params.yaml` that it is for, where it is for one."""

    @property
    def kind(self) -> str:
        """The part before the @."""
        return self.name.partition("@")[0]


def read_stages() -> list[Stage]:
    """Return all stages, in the order of `dvc.yaml` and of `params.yaml`.

    Raises:
        ConfigError: One of the two files is not there, is no YAML, or names what is not there.
    """
    if not DVC.is_file():
        raise ConfigError(f"{DVC}: no such file in {Path.cwd()}; go to the folder of a project")
    wrong = syntax_problem(DVC)
    if wrong:
        raise ConfigError(wrong)
    declared = yaml.load(DVC.read_text(), Loader=LOADER) or {}  # noqa: S506  it is a safe loader, libyaml's
    params = read_params()
    return [stage for name, each in (declared.get("stages") or {}).items() for stage in _repeated(name, each, params)]


def stages_of(pipeline: str) -> list[Stage]:
    """Return the stages of a pipeline and of its candidates."""
    return [stage for stage in read_stages() if stage.pipeline == pipeline]


def _repeated(name: str, declared: dict[str, Any], params: dict[str, Any]) -> Iterator[Stage]:
    over = declared.get("foreach")
    if over is None:
        yield _stage(name, declared, params, None, None)
        return
    where = f"{DVC}: stages.{name}"
    items = _filled(over, params, where) if isinstance(over, str) else over
    pairs = items.items() if isinstance(items, dict) else ((str(item), item) for item in items or [])
    for key, item in pairs:
        of = item.get("pipeline") if isinstance(item, dict) else None
        values = {**params, "key": key, "item": item}
        yield _stage(f"{name}@{key}", declared.get("do") or {}, values, of or str(key), str(key) if of else None)


def _stage(
    name: str, declared: dict[str, Any], values: dict[str, Any], pipeline: str | None, candidate: str | None
) -> Stage:
    filled = _filled(declared, values, f"{DVC}: stages.{name.partition('@')[0]}")
    cmd = filled.get("cmd") or ""
    return Stage(
        name=name,
        cmd=" && ".join(cmd) if isinstance(cmd, list) else " ".join(str(cmd).split()),
        deps=tuple(_paths(filled.get("deps"))),
        outs=tuple(path for kind in ("outs", "metrics", "plots") for path in _paths(filled.get(kind))),
        params=_params(filled.get("params")),
        pipeline=pipeline,
        candidate=candidate,
    )


def _paths(entries: Any) -> Iterator[str]:
    for entry in entries or []:
        yield from entry if isinstance(entry, dict) else [str(entry)]


def _params(entries: Any) -> dict[str, tuple[str, ...]]:
    read: dict[str, tuple[str, ...]] = {}
    for entry in entries or []:
        if isinstance(entry, dict):
            read |= {file: tuple(keys or ()) for file, keys in entry.items()}
        else:
            read["params.yaml"] = (*read.get("params.yaml", ()), str(entry))
    return read


def _filled(value: Any, values: Mapping[str, Any], where: str) -> Any:
    """Return a value with what DVC puts in the places of its `${...}`."""
    if isinstance(value, dict):
        return {_filled(key, values, where): _filled(inner, values, where) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values, where) for inner in value]
    if not isinstance(value, str):
        return value
    whole = HOLE.fullmatch(value)
    if whole:
        return _looked_up(whole[1], values, where)
    return HOLE.sub(lambda hole: str(_looked_up(hole[1], values, where)), value)


def _looked_up(path: str, values: Mapping[str, Any], where: str) -> Any:
    found: Any = values
    for name in path.strip().split("."):
        if not isinstance(found, dict) or name not in found:
            raise ConfigError(f"{where}: ${{{path}}} is not in params.yaml; add it there, or mend the name")
        found = found[name]
    return found
