"""From a declaration to a source: its arguments are checked before any row is read."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from headrace.config.reading import first_line
from headrace.declaration.targets import locate
from headrace.errors import ConfigError
from headrace.sources.source import RANGE, FunctionSource, Source
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def build(source: Mapping[str, Any], where: Callable[[str], str] = str) -> Source:
    """Return the source that a declaration names; no row is read yet.

    Args:
        source: `_target_`, which `conf/targets.yaml` has to list, and the arguments.
        where: Returns the file and key for a key such as `source.path`, for messages.

    Raises:
        ConfigError: there is no such target; a key is unknown, missing or of a wrong type.
    """
    if "_target_" not in source:
        raise ConfigError(
            f"{where('source._target_')}: missing; choose a source, such as source=csv for conf/source/csv.yaml"
        )
    target = locate(source["_target_"])
    given = {key: value for key, value in source.items() if key != "_target_"}
    arguments = _check(target, given, lambda key: where(f"source.{key}"))
    if not isinstance(target, type):
        return FunctionSource(target, arguments)
    try:
        return cast("Source", target(**arguments))
    except ConfigError as error:  # what a source itself finds wrong starts with its key
        key, _, message = str(error).partition(": ")
        raise ConfigError(f"{where(f'source.{key}')}: {message}") from error


def _check(target: Callable[..., Any], given: dict[str, Any], where: Callable[[str], str]) -> dict[str, Any]:
    """Return the arguments in the types that the target asks for."""
    shape = target if dataclasses.is_dataclass(target) else _shape(target)
    names = [field.name for field in dataclasses.fields(shape) if field.init]
    unknown = sorted(set(given) - set(names))
    if unknown and not _takes_any(target):
        raise ConfigError("\n".join(f"{where(key)}: unknown key; {known(key, names)}" for key in unknown))
    try:
        typed = OmegaConf.merge(OmegaConf.structured(shape), {key: given[key] for key in names if key in given})
    except ConfigKeyError as error:  # in a dataclass that is an argument
        keys = [field.name for field in dataclasses.fields(cast("Any", error.object_type))]
        raise ConfigError(f"{where(str(error.full_key))}: unknown key; {known(str(error.key), keys)}") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{where(str(error.full_key))}: {first_line(error)}") from error
    missing = sorted(OmegaConf.missing_keys(typed))
    if missing:
        raise ConfigError("\n".join(f"{where(key)}: missing; it has to be given" for key in missing))
    return given | {key: _plain(typed, key) for key in names if key in given}


def _plain(typed: Any, key: str) -> Any:
    value = typed[key]
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value


def _takes_any(target: Callable[..., Any]) -> bool:
    return any(kind.kind is kind.VAR_KEYWORD for kind in inspect.signature(target).parameters.values())


def _shape(target: Callable[..., Any]) -> type[Any]:
    """Return a dataclass whose fields are the parameters of a function, or of a class that is no dataclass."""
    fields: list[tuple[str, Any, Any]] = []
    for name, parameter in inspect.signature(target, eval_str=True).parameters.items():
        if name not in RANGE and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            required = parameter.default is parameter.empty
            default = dataclasses.field() if required else dataclasses.field(default=parameter.default)
            hint = parameter.annotation if _is_known(parameter.annotation) else Any
            fields.append((name, hint, default))
    return dataclasses.make_dataclass(target.__name__, fields, kw_only=True)


def _is_known(hint: Any) -> bool:
    """Return whether OmegaConf can check a value against a type."""
    try:
        OmegaConf.structured(dataclasses.make_dataclass("Probe", [("value", hint)]))
    except OmegaConfBaseException:
        return False
    return hint is not inspect.Parameter.empty
