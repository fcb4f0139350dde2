"""What `params.yaml` may say."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from headrace.declaration.parameters import CandidateChoices, PipelineChoices
from headrace.errors import ConfigError
from headrace.words import known

PARAMS = Path("params.yaml")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
KEYS = {
    "pipelines": tuple(field.name for field in fields(PipelineChoices)),
    "candidates": tuple(field.name for field in fields(CandidateChoices)),
}
"""What an entry of each section has."""
SECTIONS = ("source", "target", "split", "seed", "evaluation", "registration")
"""Sections that `dvc.yaml` names as parameters: DVC wants each of them in `pipeline.yaml`."""


def candidates_of(pipeline: str) -> dict[str, str]:
    """Return the models of a pipeline's candidates, by the candidate's name."""
    candidates = yaml.safe_load(PARAMS.read_text())["candidates"]
    return {name: chosen["model"] for name, chosen in candidates.items() if chosen["pipeline"] == pipeline}


def check_parameters(pipeline: str) -> None:
    """Do nothing where `params.yaml` and the keys of `pipeline.yaml` fit each other.

    Raises:
        ConfigError: They do not; the message has a line for each thing that is wrong.
    """
    params = yaml.safe_load(PARAMS.read_text())
    for section, keys in KEYS.items():
        _refuse_unknown(section, params.get(section), keys)
    wrong = [*_pipelines(params["pipelines"]), *_candidates(params["candidates"], params["pipelines"])]
    if not any(chosen.get("pipeline") == pipeline for chosen in params["candidates"].values()):
        wrong.append(f"{PARAMS}: candidates: none is for pipeline '{pipeline}'; add one, or remove the pipeline")
    file = Path("pipelines", pipeline, "pipeline.yaml")
    present = yaml.safe_load(file.read_text())
    wrong += [f"{file}: {key}: missing; it has to be given" for key in SECTIONS if key not in present]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _refuse_unknown(section: str, entries: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(entries, dict):
        raise ConfigError(f"{PARAMS}: {section}: found {entries!r}; it has to be a name and its choices on each line")
    wrong = []
    for name, chosen in entries.items():
        if not isinstance(name, str) or not isinstance(chosen, dict):
            wrong.append(f"{PARAMS}: {section}.{name}: has to be a name with {', '.join(keys)}")
            continue
        wrong += [
            f"{PARAMS}: {section}.{name}.{key}: unknown key; {known(key, keys)}" for key in chosen if key not in keys
        ]
        wrong += [f"{PARAMS}: {section}.{name}.{key}: missing; it has to be given" for key in keys if key not in chosen]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _pipelines(pipelines: dict[str, Any]) -> list[str]:
    wrong = [_bad_name("pipelines", name) for name in pipelines if not NAME.fullmatch(name)]
    for name, chosen in pipelines.items():
        wrong += _bad_option(f"pipelines.{name}.source", "source", chosen.get("source"))
        wrong += _bad_option(f"pipelines.{name}.tracking", "tracking", chosen.get("tracking"))
    return wrong


def _candidates(candidates: dict[str, Any], pipelines: dict[str, Any]) -> list[str]:
    wrong = [_bad_name("candidates", name) for name in candidates if not NAME.fullmatch(name)]
    for name, chosen in candidates.items():
        if chosen.get("pipeline") not in pipelines:
            known = ", ".join(pipelines)
            wrong.append(f"{PARAMS}: candidates.{name}.pipeline: '{chosen.get('pipeline')}' is none of: {known}")
        wrong += _bad_option(f"candidates.{name}.model", "model", chosen.get("model"))
    return wrong


def _bad_option(key: str, group: str, option: str | None) -> list[str]:
    options = sorted(file.stem for file in Path("conf", group).glob("*.yaml"))
    return (
        [] if option in options else [f"{PARAMS}: {key}: '{option}' is no file in conf/{group}/: {', '.join(options)}"]
    )


def _bad_name(section: str, name: str) -> str:
    return f"{PARAMS}: {section}.{name}: a name is letters, digits, - and _, and starts with a letter"
