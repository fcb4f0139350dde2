"""Every declaration of some pipelines: all that is wrong in all their files."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from headrace.checking.parameters import wrong_parameters, wrong_stages
from headrace.checking.pipeline import check_candidate, check_pipeline, check_source, judged_model
from headrace.checking.problem import Problem
from headrace.checking.structure import Misfit, mended, misfits
from headrace.config import compose, explain
from headrace.declaration.features import Features
from headrace.declaration.modelling import Model, Tracking
from headrace.declaration.pipeline import Pipeline
from headrace.declaration.rows import Schema
from headrace.declaration.rules import Rules
from headrace.declaration.serving import Serving
from headrace.errors import ConfigError, HeadraceError
from headrace.words import closest
from headrace.workspace import PARAMS, candidates_of, declared_files, line_of, pipelines, syntax_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.config import Origin

DVC = Path("dvc.yaml")
FOLDER = Path("pipelines")
SHAPES: dict[str, type[Any]] = {
    "pipeline": Pipeline,
    "schema": Schema,
    "features": Features,
    "serving": Serving,
    "rules": Rules,
}
"""What each file of a pipeline's folder is read into."""
MAY_BE_EMPTY = ("serving", "rules")
HAS = "a pipeline has pipeline, schema, features, serving and rules.yaml"
CANNOT_COMPOSE = (HeadraceError, HydraException, OmegaConfBaseException, yaml.YAMLError)
PLOTS = "dvc.yaml"
"""What DVC draws of a pipeline; DVC says what is wrong in it."""


@dataclass
class Checked:
    """What was looked at, and what is wrong in it."""

    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    """The composed config of each pipeline that could be composed as it stands, with its first candidate."""
    targets: set[str] = field(default_factory=set)
    """All that is named by `_target_`."""


def check_declarations(names: Sequence[str]) -> Checked:
    """Return all that is wrong in the declarations of some pipelines, and in what they share.

    Args:
        names: Pipelines of `params.yaml`.
    """
    checked = Checked(files=declared_files(names))
    broken = {file: wrong for file in checked.files if (wrong := syntax_problem(file))}
    said = [*broken.values()]
    if PARAMS not in broken:
        said += wrong_parameters(names)
        if DVC not in broken and not said:
            try:
                said += wrong_stages(names)
            except ConfigError as error:
                said += str(error).splitlines()
        for name in names:
            said += _pipeline(name, broken, checked)
    # A section that is missing is missed by Hydra and by DVC.
    of_a_key = {re.sub(r": missing; .*", ": missing", line): line for line in said}
    checked.problems = [Problem.read(line) for line in of_a_key.values()]
    return checked


def _pipeline(name: str, broken: dict[Path, str], checked: Checked) -> Iterator[str]:
    folder = FOLDER / name
    if not folder.is_dir():
        others = sorted(each.name for each in FOLDER.glob("*") if (each / "pipeline.yaml").is_file())
        meant = closest(name, others)
        yield f"{PARAMS}: pipelines.{name}: there is no folder {folder}; {meant}`headrace init {name}` makes one"
        return
    own = [file for shape in SHAPES if (file := folder / f"{shape}.yaml").is_file()]
    yield from _beyond(folder)
    yield from _absent(folder)
    candidates = candidates_of(name)
    models = {model: [*_model(model, broken)] for model in dict.fromkeys(candidates.values())}
    for wrong in models.values():
        yield from wrong
    sound = {each: model for each, model in candidates.items() if not models[model] and _is_option("model", model)}
    if len(own) == len(SHAPES) and not any(file in broken for file in own):
        yield from _composed(name, sound, checked)
        return
    for file in own:
        if file not in broken:
            yield from _said(file, _misfits(file))
    yield from _models_alone(sound)


def _beyond(folder: Path) -> Iterator[str]:
    """Yield files that a pipeline has no use for."""
    for file in sorted(folder.glob("*.y*ml")):
        if file.name not in {PLOTS, *(f"{shape}.yaml" for shape in SHAPES)}:
            yield f"{file}: nothing reads it; {closest(file.name, [f'{shape}.yaml' for shape in SHAPES])}{HAS}"


def _absent(folder: Path) -> Iterator[str]:
    """Yield files that a pipeline lacks."""
    for shape in SHAPES:
        file = folder / f"{shape}.yaml"
        if not file.is_file():
            yield f"{file}: no such file; {HAS}" + ("; it may be empty" if shape in MAY_BE_EMPTY else "")


def _model(model: str, broken: dict[Path, str]) -> Iterator[str]:
    """Yield what is wrong in the keys and types of a model's file; a missing one is `params.yaml`'s matter."""
    file = Path("conf", "model", f"{model}.yaml")
    if file in broken:
        yield broken[file]
    elif not file.is_file():
        yield from ()
    else:
        yield from _said(file, [*misfits(_load(file), Model)])


def _composed(name: str, candidates: dict[str, str], checked: Checked) -> Iterator[str]:
    """Yield what is wrong in what Hydra composes, with each of the candidates."""
    chosen = pipelines()[name]
    groups = {key: chosen[key] for key in ("source", "tracking") if _is_option(key, chosen.get(key))}
    overrides = [f"{group}={option}" for group, option in groups.items()]
    overrides += [f"until={chosen['until']}"] if "until" in chosen else []
    folder = FOLDER / name
    first = next(iter(candidates), None)
    run = [*overrides, *([f"model={candidates[first]}", f"candidate={first}"] if first else [])]
    try:
        config, origin = compose(folder, run, Pipeline)
        checked.pipelines[name] = config
        yield from check_pipeline(config, origin)
        if "source" in groups:
            yield from check_source(config, origin)
        checked.targets.add(str(config.source.get("_target_")))
        for candidate, model in candidates.items():
            own, places = _with(candidate, model, config, origin, overrides)
            checked.targets.add(own.model._target_ if own.model else "")
            yield from check_candidate(own, places)
    except CANNOT_COMPOSE as error:
        yield from _misfitting(name, groups, run, error)
        yield from _models_alone(candidates)


def _models_alone(candidates: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the models' own files, where the rest cannot be composed."""
    for model in dict.fromkeys(candidates.values()):
        file = Path("conf", "model", f"{model}.yaml")
        for key, message in judged_model(_typed(_load(file))):
            yield f"{file}: {key}: {message}"


def _typed(content: Any) -> Model:
    return cast("Model", OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Model), content)))


def _with(
    candidate: str, model: str, config: Pipeline, origin: Origin, overrides: list[str]
) -> tuple[Pipeline, Origin]:
    """Return a pipeline's config with another candidate.

    Candidates differ by their model alone. Where nothing but the model's file says what it is, Hydra need not compose
    all the rest once more, which takes a tenth of a second.
    """
    content = _load(Path("conf", "model", f"{model}.yaml"))
    if "defaults" in content or line_of(origin.folder / "pipeline.yaml", "model") is not None:
        return compose(origin.folder, [*overrides, f"model={model}", f"candidate={candidate}"], Pipeline)
    choices = {**origin.choices, "model": model}
    return (
        dataclasses.replace(config, candidate=candidate, model=_typed(content)),
        dataclasses.replace(origin, choices=choices),
    )


def _is_option(group: str, option: Any) -> bool:
    return isinstance(option, str) and Path("conf", group, f"{option}.yaml").is_file()


def _misfitting(name: str, groups: dict[str, str], run: list[str], error: Exception) -> Iterator[str]:
    """Yield every key and type that is wrong, where Hydra names one; and what is wrong beside them."""
    folder = FOLDER / name
    found = {folder / f"{shape}.yaml": _misfits(folder / f"{shape}.yaml") for shape in SHAPES}
    tracking = Path("conf", "tracking", f"{groups.get('tracking')}.yaml")
    if tracking.is_file():
        found[tracking] = [*misfits(_load(tracking), Tracking)]
    if not any(found.values()):
        yield from explain(error).splitlines()
        return
    for file, wrong in found.items():
        yield from _said(file, wrong)
    if not found.get(tracking):
        yield from _beside(name, found, run)


def _beside(name: str, found: dict[Path, list[Misfit]], run: list[str]) -> Iterator[str]:
    """Yield what else is wrong, as seen in a copy with each misfit mended as it was probably meant, or left out."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, name)
        copy.mkdir()
        for shape in SHAPES:
            file = FOLDER / name / f"{shape}.yaml"
            content = _load(file)
            whole = content if not isinstance(content, dict) else mended(content, found[file])
            (copy / file.name).write_text("" if whole is None else yaml.safe_dump(whole, sort_keys=False))
        try:
            config, origin = compose(copy, run, Pipeline)
        except CANNOT_COMPOSE:
            return  # What is missing now was misspelt, and that is said.
        for line in [*check_pipeline(config, origin), *check_source(config, origin), *check_candidate(config, origin)]:
            yield line.replace(str(copy), str(FOLDER / name))


def _misfits(file: Path) -> list[Misfit]:
    return [*misfits(_load(file), SHAPES[file.stem])]


def _said(file: Path, found: list[Misfit]) -> Iterator[str]:
    for misfit in found:
        yield f"{file}: {misfit.key}: {misfit.message}" if misfit.key else f"{file}: {misfit.message}"


def _load(file: Path) -> Any:
    from omegaconf._utils import get_yaml_loader  # Hydra's own reading of YAML: dates and times stay texts

    return yaml.load(file.read_text(), Loader=get_yaml_loader())  # noqa: S506  a safe one
