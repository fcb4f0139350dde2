"""The keys and types of a YAML file, held against the dataclass that it is read into."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from headrace.config.reading import first_line
from headrace.words import closest, known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEITHER = ("defaults", "hydra")
"""Keys of a `pipeline.yaml` that are Hydra's own."""


@dataclass(frozen=True)
class Misfit:
    """A key that the dataclass has no place for, or whose value it does not take."""

    path: tuple[str | int, ...]
    message: str
    meant: str = ""
    """The key that was probably meant, where there is one and it is not given."""

    @property
    def key(self) -> str:
        """The path as people write it: `rules[0].when`."""
        said = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return said.removeprefix(".")


def misfits(content: Any, shape: type[Any], path: tuple[str | int, ...] = ()) -> Iterator[Misfit]:
    """Yield what does not fit.

    Args:
        content: What stands in the file.
        shape: A dataclass of `headrace.declaration`.
        path: Where the content stands.
    """
    if not isinstance(content, dict):
        if content is not None:
            yield Misfit(path, f"found {content!r}; it has to be keys and their values")
        return
    hints = typing.get_type_hints(shape)
    node = OmegaConf.structured(shape)
    for name, value in content.items():
        at = (*path, name)
        if name in NEITHER and not path:
            continue
        if name not in hints:
            meant = closest(str(name), [each for each in hints if each not in content]).partition("mean ")[2]
            yield Misfit(at, f"unknown key; {known(str(name), hints)}", meant.removesuffix("? "))
            continue
        inner = _dataclass_in(hints[name])
        if inner is None or isinstance(value, str):
            yield from _misfit_value(node, name, value, at, _required(hints[name]))
        else:
            yield from _misfits_inside(value, inner, typing.get_origin(_required(hints[name])), at)


def _misfits_inside(value: Any, inner: type[Any], container: Any, at: tuple[str | int, ...]) -> Iterator[Misfit]:
    if container is dict and isinstance(value, dict):
        for name, each in value.items():
            yield from misfits(each, inner, (*at, name))
    elif container is list and isinstance(value, list):
        for number, each in enumerate(value):
            yield from misfits(each, inner, (*at, number))
    elif container in {dict, list} and value is not None:
        kind = "a list" if container is list else "names and what each has"
        yield Misfit(at, f"found {value!r}; it has to be {kind}")
    else:
        yield from misfits(value, inner, at)


def _misfit_value(node: Any, name: str, value: Any, at: tuple[str | int, ...], hint: Any) -> Iterator[Misfit]:
    try:
        node[name] = value  # OmegaConf's own conversions
    except OmegaConfBaseException as error:
        yield Misfit(at, _other_shape(value, hint) or first_line(error))


def _other_shape(value: Any, hint: Any) -> str:
    """Return what is said of a list, names or one value where another of the three has to stand."""
    container = typing.get_origin(hint)
    if value is None:
        return "is empty; it has to be given"
    if dataclasses.is_dataclass(hint):
        return f"found {value!r}; it has to be keys and their values"
    if container is list and not isinstance(value, list):
        return f"found {value!r}; it has to be a list, such as [a, b]"
    if container is dict and not isinstance(value, dict):
        return f"found {value!r}; it has to be names and what each has"
    if container is None and isinstance(value, (list, dict)):
        return f"found {value!r}; it has to be one value"
    return ""


def _required(hint: Any) -> Any:
    """Return a type without `Optional`."""
    inner = [each for each in typing.get_args(hint) if each is not type(None)]
    return inner[0] if typing.get_origin(hint) is typing.Union and len(inner) == 1 else hint


def _dataclass_in(hint: Any) -> type[Any] | None:
    """Return the dataclass that a type is, or holds; None where it holds none."""
    hint = _required(hint)
    if dataclasses.is_dataclass(hint):
        return typing.cast("type[Any]", hint)
    last = typing.get_args(hint)[-1:] if typing.get_origin(hint) in {dict, list} else ()
    return _dataclass_in(last[0]) if last else None


def mended(content: Mapping[str, Any], found: list[Misfit]) -> dict[str, Any]:
    """Return the content with each misfit renamed to what was meant, or left out, so that the rest can be looked at."""
    copy: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(dict(content)))  # type: ignore[assignment]
    for misfit in found:
        parent: Any = copy
        for part in misfit.path[:-1]:
            parent = parent[part]
        if isinstance(parent, dict):
            value = parent.pop(misfit.path[-1], None)
            if misfit.meant:
                parent[misfit.meant] = value
    return copy
