"""From what Hydra composed to the typed part of it that a stage reads."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from headrace.config.origin import Origin
from headrace.config.store import register
from headrace.declaration.pipeline import Pipeline
from headrace.environment import verify
from headrace.errors import ConfigError
from headrace.words import known

View = TypeVar("View")

CONF = str(Path("conf").resolve())
"""The folder of the config groups. Stages run from the repository's root, as DVC runs them."""

register()


def read(cfg: DictConfig, view: type[View]) -> View:
    """Return the part of a composed config that `view` names, and nothing else of it.

    A stage sees only what its view has, so `dvc.yaml` can name just that as the stage's parameters.

    Args:
        cfg: What `@hydra.main` passes to a stage.
        view: A dataclass of `headrace.declaration.pipeline`.

    Raises:
        ConfigError: A key is unknown, missing, of a wrong type, or names an environment variable that is not set;
            or the installed libraries are not those of `environment.yaml`.
    """
    origin = find_origin()
    verify(Path("environment.yaml"))
    refuse_unknown(cfg, Pipeline, origin)
    cfg = quoted_again(unlocked(cfg))
    cfg["pipeline"] = origin.folder.name
    return narrow(cfg, view, origin)


def find_origin() -> Origin:
    """Return where the running Hydra app's config comes from."""
    runtime = HydraConfig.get().runtime
    folder = next((source.path for source in runtime.config_sources if source.provider == "command-line"), None)
    if folder is None:
        raise ConfigError("command line: name the pipeline's folder, such as -cd pipelines/fraud -cn pipeline")
    return Origin(Path(folder), dict(runtime.choices), list(HydraConfig.get().overrides.task))


def refuse_unknown(cfg: DictConfig, shape: type[Any], origin: Origin) -> None:
    """Refuse keys that came by `+key=value`, which Hydra lets pass a structured config."""
    fields = [field.name for field in dataclasses.fields(shape)]
    for key in cfg:
        if key not in fields:
            raise ConfigError(f"{origin(str(key))}: unknown key; {known(str(key), fields)}")


def narrow(cfg: DictConfig, view: type[View], origin: Origin) -> View:
    """Return `cfg` as `view`, with what the view does not name left out."""
    fields = [field.name for field in dataclasses.fields(view)]  # type: ignore[arg-type]
    for group in ("model", "tracking"):
        if group in fields and cfg.get(group) is None:
            raise ConfigError(f"command line: {group}: none is chosen; add {group}=<name>, {_options(group)}")
    try:
        typed = OmegaConf.merge(OmegaConf.structured(view), masked(cfg, view))
        missing = sorted(OmegaConf.missing_keys(typed))
        if missing:
            raise ConfigError("\n".join(f"{origin(key)}: missing; it has to be given" for key in missing))
        return typing.cast("View", OmegaConf.to_object(typed))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{origin(error.full_key or '')}: {first_line(error)}") from error


WRONG_TYPE = {
    "Integer": "is no whole number; write one such as 10",
    "Float": "is no number; write one such as 0.5",
    "bool": "is neither true nor false; write one of the two",
}
"""By what OmegaConf calls a type."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message: OmegaConf's later lines are about its classes."""
    line = str(error).strip().split("\n", 1)[0]
    found = re.match(
        r"Value (.+) (?:of type '\w+' could not be converted to|is not a valid) (Integer|Float|bool)\b", line
    )
    if found:
        return f"{found[1]} {WRONG_TYPE[found[2]]}"
    return re.sub(r"^Invalid value (.+), expected one of \[(.+)\]$", r"\1 is none of \2", line)


def _options(group: str) -> str:
    return "one of: " + ", ".join(sorted(file.stem for file in Path(CONF, group).glob("*.yaml")))


def unlocked(cfg: DictConfig) -> DictConfig:
    """Return a copy of plain nodes: the composed types would refuse a key more or less."""
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))  # type: ignore[return-value]


def quoted_again(cfg: DictConfig) -> DictConfig:
    """Make the positive value the text of the label's `values` that YAML reads so, as `Yes` is read as true.

    `dvc exp run -S pipelines/<name>/pipeline.yaml:…` writes the whole file anew, and leaves out the quotes: in YAML 1.2
    `Yes` is a text. Hydra reads YAML 1.1. What does not fit is left to the checks.
    """
    label = OmegaConf.select(cfg, "target.column", throw_on_missing=False)
    column = (OmegaConf.select(cfg, "schema.columns", throw_on_missing=False) or {}).get(label)
    values = column.get("values") if isinstance(column, DictConfig) else None
    positive = OmegaConf.select(cfg, "target.positive", throw_on_missing=False)
    if values and positive is not None and positive not in values:
        same = [text for text in values if isinstance(text, str) and yaml.safe_load(text) == positive]
        if len(same) == 1:
            cfg.target.positive = same[0]
    return cfg


def masked(cfg: DictConfig, view: type[Any]) -> DictConfig:
    """Leave out of `cfg`, at every depth, what the dataclass `view` has no field for but a wider dataclass has."""
    hints = typing.get_type_hints(view)
    masked = OmegaConf.masked_copy(cfg, [name for name in hints if name in cfg])
    for name, hint in hints.items():
        wider = WIDER.get(hint)
        if wider is not None and isinstance(cfg.get(name), DictConfig):
            own = {field.name for field in dataclasses.fields(hint)}
            beyond = {field.name for field in dataclasses.fields(wider)} - own
            masked[name] = OmegaConf.masked_copy(cfg[name], [key for key in cfg[name] if key not in beyond])
    return masked


def _wider() -> dict[type[Any], type[Any]]:
    """Return, for each partial declaration, the whole one of the pipeline: Schema for RowIdentity, for one."""
    hints = typing.get_type_hints(Pipeline).values()
    whole: list[type[Any]] = [hint for hint in hints if dataclasses.is_dataclass(hint) and isinstance(hint, type)]
    return {base: kind for kind in whole for base in kind.__mro__[1:] if dataclasses.is_dataclass(base)}


WIDER = _wider()
