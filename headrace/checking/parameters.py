"""What `params.yaml` may say, and the keys of the files that `dvc.yaml` names."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.declaration.parameters import NAME, RIGHT_NAME, CandidateChoices, PipelineChoices
from headrace.words import closest, known
from headrace.workspace import PARAMS, line_of, read_params, read_stages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = {
    "pipelines": tuple(field.name for field in fields(PipelineChoices)),
    "candidates": tuple(field.name for field in fields(CandidateChoices)),
}
"""What an entry of each section has."""


def wrong_parameters(pipelines: Sequence[str]) -> Iterator[str]:
    """Yield a line for each thing that is wrong in `params.yaml`.

    Args:
        pipelines: Those that have to have a candidate.
    """
    params = read_params()
    entries = {section: params.get(section) for section in KEYS}
    for section, keys in KEYS.items():
        yield from _section(section, entries[section], keys)
    for name in params:
        if name not in KEYS and closest(str(name), KEYS):
            yield f"{PARAMS}: {name}: unknown section; {known(str(name), KEYS)}"
    chosen = {section: _named(found) for section, found in entries.items()}
    yield from _options(chosen["pipelines"], chosen["candidates"])
    for pipeline in pipelines:
        if not any(each.get("pipeline") == pipeline for each in chosen["candidates"].values()):
            yield f"{PARAMS}: candidates: none is for pipeline '{pipeline}'; add one, or remove the pipeline"


def wrong_stages(pipelines: Sequence[str]) -> Iterator[str]:
    """Yield a line for each key of `dvc.yaml`'s params that its file lacks: DVC would stop at it, at the first one."""
    said = set()
    for stage in read_stages():
        if stage.pipeline not in {*pipelines, None}:
            continue
        for file, keys in stage.params.items():
            if not Path(file).is_file():
                if file != "environment.yaml":  # `make environment` writes it
                    said.add(f"{file}: no such file; dvc.yaml names it as params of the stage {stage.name}")
                continue
            said |= {
                f"{file}: {key}: missing; dvc.yaml names it among the params of a stage"
                for key in keys
                if file != "environment.yaml" and line_of(Path(file), key) is None
            }
    yield from sorted(said)


def _options(pipelines: dict[str, Any], candidates: dict[str, Any]) -> Iterator[str]:
    for name, choices in pipelines.items():
        for group in ("source", "tracking"):
            if group in choices:
                yield from _bad_option(f"pipelines.{name}.{group}", group, choices[group])
    for name, choices in candidates.items():
        found = choices.get("pipeline")
        if found is not None and found not in pipelines:
            yield f"{PARAMS}: candidates.{name}.pipeline: '{found}' is no pipeline; {known(str(found), pipelines)}"
        if "model" in choices:
            yield from _bad_option(f"candidates.{name}.model", "model", choices["model"])


def _section(section: str, entries: Any, keys: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(entries, dict) or not entries:
        found = "missing or empty" if entries is None else f"found {entries!r}"
        yield f"{PARAMS}: {section}: {found}; it has to be a name and its choices on each line"
        return
    for name, chosen in entries.items():
        if isinstance(name, str) and isinstance(chosen, dict):
            yield from _entry(f"{PARAMS}: {section}.{name}", name, chosen, keys)
        else:
            yield f"{PARAMS}: {section}.{name}: has to be a name with {', '.join(keys)}"


def _entry(at: str, name: str, chosen: dict[Any, Any], keys: tuple[str, ...]) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield f"{at}: {RIGHT_NAME}"
    for key, value in chosen.items():
        if key not in keys:
            yield f"{at}.{key}: unknown key; {known(str(key), keys)}"
        elif isinstance(value, date):
            yield f"{at}.{key}: put quotes around {value}: DVC takes no dates of YAML"
    for key in keys:
        if key not in chosen:
            yield f"{at}.{key}: missing; it has to be given"


def _named(entries: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(entries, dict):
        return {}
    return {str(name): chosen for name, chosen in entries.items() if isinstance(chosen, dict)}


def _bad_option(key: str, group: str, option: Any) -> Iterator[str]:
    options = sorted(file.stem for file in Path("conf", group).glob("*.yaml"))
    if option not in options:
        yield f"{PARAMS}: {key}: '{option}' is no file in conf/{group}/; {known(str(option), options)}"
