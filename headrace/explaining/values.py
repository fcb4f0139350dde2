"""The composed config as YAML, each value with the file and line that it was written in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import OmegaConf

from headrace.config.composing import compose_all
from headrace.config.reading import masked
from headrace.workspace import PARAMS, line_of, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config import Origin

DEFAULT = "default"
NAMED = ("schema.columns", "features.windows", "model.search", "rules.rules")
"""Of what is declared by the dozen only what is given is shown: the rest is the reference's matter."""
GROUPS = ("model", "source", "tracking")
WIDEST_FLOW = 100


@dataclass(frozen=True)
class Written:
    """A line of the config."""

    text: str
    """YAML."""
    file: str
    """Where the value was written; `default` where no file gives one, or a variable; empty for a section's name."""
    line: int | None = None


def written(
    pipeline: str, view: type[Any] | None, candidate: str | None = None, model: str | None = None
) -> list[Written]:
    """Return the config of a pipeline, line by line.

    Values of `${oc.env:...}` stay as they are written, so that no secret is shown.

    Args:
        pipeline: One of `params.yaml`.
        view: What a stage reads of it, a dataclass of `headrace.declaration.pipeline`; all of it where it is None.
        candidate: One of the pipeline's candidates, and
        model: the model that `params.yaml` chooses for it.

    Raises:
        ConfigError, HydraException: As in a stage.
    """
    chosen = pipelines()[pipeline]
    overrides = [f"{key}={chosen[key]}" for key in ("source", "until", "tracking") if key in chosen]
    overrides += [f"model={model}", f"candidate={candidate}"] if candidate else []
    cfg, origin = compose_all(Path("pipelines", pipeline), overrides)
    cfg = cfg if view is None else masked(cfg, view)
    content: Any = OmegaConf.to_container(cfg, resolve=False, enum_to_str=True)
    content.pop("pipeline", None)
    return [
        line for name, value in content.items() if value is not None for line in _lines(name, value, name, 0, origin)
    ]


def _lines(name: str, value: Any, key: str, depth: int, origin: Origin) -> Iterator[Written]:
    head = f"{'  ' * depth}{_scalar(name)}:"
    value = _given(value, key, origin)
    places = {_place(inner, leaf, origin) for inner, leaf in _leaves(value, key)}
    variable = _variable(key)
    if variable is not None:
        yield Written(f"{head} {variable[1]}", variable[0])
    elif (
        not isinstance(value, dict | list) or not value or (places == {_place(key, value, origin)} and _is_short(value))
    ):
        yield Written(f"{head} {_flow(value)}", *_place(key, value, origin))
    elif isinstance(value, dict):
        yield Written(head, "")
        for inner, each in value.items():
            yield from _lines(inner, each, f"{key}.{inner}", depth + 1, origin)
    else:
        yield from _list(head, value, key, depth, origin)


def _list(head: str, values: list[Any], key: str, depth: int, origin: Origin) -> Iterator[Written]:
    if not any(isinstance(each, dict | list) for each in values) and _is_short(values):
        yield Written(f"{head} {_flow(values)}", *_place(key, values, origin))
        return
    yield Written(head, "")
    for number, each in enumerate(values):
        inner = f"{key}[{number}]"
        yield Written(f"{'  ' * (depth + 1)}- {_flow(_given(each, inner, origin))}", *_place(inner, each, origin))


def _given(value: Any, key: str, origin: Origin) -> Any:
    """Return a value without the defaults inside, where only what is given is shown."""
    if not isinstance(value, dict) or not any(key.startswith((f"{name}.", f"{name}[")) for name in NAMED):
        return value
    return {name: each for name, each in value.items() if _place(f"{key}.{name}", each, origin)[0] != DEFAULT}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{key}.{name}")
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _leaves(each, f"{key}[{number}]")
    else:
        yield key, value


def _place(key: str, value: Any, origin: Origin) -> tuple[str, int | None]:
    """Return where a key was written; for a list its first line, since it comes from one file."""
    choice = _choice(key, origin)
    if choice is not None:
        return str(PARAMS), line_of(PARAMS, choice)
    for file, inner in origin.places(key):
        line = line_of(file, inner)
        if line is not None:
            return str(file), line
    if isinstance(value, list | dict) and value:
        return "", None
    return DEFAULT, None


def _choice(key: str, origin: Origin) -> str | None:
    """Return the key of `params.yaml` that a value of the command line comes from."""
    given = dict(override.partition("=")[::2] for override in origin.overrides)
    if key == "candidate":
        return f"candidates.{given.get(key)}"
    own = f"pipelines.{origin.folder.name}.{key}"
    return own if key in given and key not in GROUPS else None


def _variable(key: str) -> tuple[str, str] | None:
    """Return the environment variable that says otherwise for a service of this machine, and what it says."""
    if not key.startswith("serving."):
        return None
    name = "HEADRACE_" + key.removeprefix("serving.").replace(".", "__").upper()
    value = os.environ.get(name)
    if not value:
        return None
    return name, "(as the variable says)" if key.endswith(".url") else value  # a URL may hold a password


def _is_short(value: Any) -> bool:
    return len(_flow(value)) <= WIDEST_FLOW


def _scalar(value: Any) -> str:
    return _flow(value)


def _flow(value: Any) -> str:
    """Return a value on one line of YAML."""
    said: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=True)
    return said.removesuffix("\n").removesuffix("\n...")
