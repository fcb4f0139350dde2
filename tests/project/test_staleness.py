"""No stage can run on a stale config: what a stage reads, `dvc status` watches, and nothing more."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
import shutil
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from omegaconf import OmegaConf

from headrace.config.composing import compose_all
from headrace.config.reading import narrow
from headrace.declaration import pipeline as views
from headrace.declaration.features import Features
from headrace.declaration.modelling import Model, TaskName, Tracking
from headrace.declaration.rows import Schema
from headrace.declaration.rules import Rules
from headrace.declaration.serving import OnFailure, Serving
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omegaconf import DictConfig

    from headrace.config import Origin

ROOT = Path(__file__).resolve().parents[2]
CHOICES = "params.yaml"
FILES = sorted(
    str(file.relative_to(ROOT))
    for pattern in (CHOICES, "conf/*/*.yaml", "pipelines/*/*.yaml")
    for file in ROOT.glob(pattern)
    if file.name != "dvc.yaml"  # what plots look like is no stage's
)
SHAPES = {
    "schema": Schema,
    "features": Features,
    "serving": Serving,
    "rules": Rules,
    "model": Model,
    "tracking": Tracking,
}
GROUPS = {"source", "model", "tracking"}
ENVIRONMENT = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "HEADRACE_DATABASE": "sqlite://"}

pytestmark = pytest.mark.slow

LeafPath = tuple[Any, ...]
MISSING = object()


def leaves(node: Any, path: LeafPath = ()) -> Iterator[LeafPath]:
    """Yield the path of every leaf of a YAML document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from leaves(child, (*path, key))
    if empty:
        yield path


def unsaid(shape: Any, node: Any, path: LeafPath = ()) -> Iterator[tuple[LeafPath, Any]]:
    """Yield the path of each declared key that a document leaves out, and a value that is not what stands for it then."""
    shape = sure(shape)
    if typing.get_origin(shape) is dict and isinstance(node, dict):
        for key, child in node.items():
            yield from unsaid(typing.get_args(shape)[1], child, (*path, key))
    if not dataclasses.is_dataclass(shape) or not isinstance(node, dict):
        return
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        if field.name in node:
            yield from unsaid(hints[field.name], node[field.name], (*path, field.name))
        else:
            yield (*path, field.name), other(hints[field.name], default(field))


def default(field: dataclasses.Field[Any]) -> Any:
    """Return what stands for a key that is left out."""
    made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return None if made is dataclasses.MISSING else made


def other(hint: Any, value: Any) -> Any:
    """Return a value of a declared type, other than `value`."""
    hint = sure(hint)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return {field.name: other(hints[field.name], default(field)) for field in dataclasses.fields(hint)}
    if typing.get_origin(hint) is dict:
        return {"new": other(typing.get_args(hint)[1], None)}
    if typing.get_origin(hint) is list:
        return [other(typing.get_args(hint)[0], None)]
    return changed(("",), value)


def sure(hint: Any) -> Any:
    """Return the type of what may be left out."""
    optional = typing.get_origin(hint) in {typing.Union, types.UnionType}
    return next(option for option in typing.get_args(hint) if option is not type(None)) if optional else hint


def changed(path: LeafPath, value: Any) -> Any:
    """Return another value of the same type, and another option where the leaf chooses one."""
    if path[-1] in GROUPS and path[0] in {"pipelines", "candidates"}:
        return next(o.stem for o in sorted((ROOT / "conf" / path[-1]).glob("*.yaml")) if o.stem != value)
    if path[0] == "candidates" and path[-1] == "pipeline":
        return {"fraud": "churn", "churn": "fraud"}[value]
    for kind in (OnFailure, TaskName):
        if isinstance(value, str) and value in set(kind):
            return next(str(option) for option in kind if option != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return {str: f"{value}0", dict: {"new": "0"}, list: ["0"]}.get(type(value), "0")


def cases(file: str, document: Any) -> dict[LeafPath, Any]:
    """Return what to change in a file: every leaf that it has, and one of each kind of key that it leaves out."""
    found = {path: changed(path, value_at(document, path)) for path in leaves(document) if path[0] != "defaults"}
    shape = SHAPES.get(Path(file).stem) or SHAPES.get(Path(file).parent.name)
    if Path(file).name == "pipeline.yaml":
        shape = views.Pipeline
    kinds = set()
    for path, value in unsaid(shape, document) if shape else ():
        kind = tuple(key if key in KEYS else "*" for key in path)
        if path[0] not in NOT_IN_PIPELINE or shape is not views.Pipeline:
            found |= {} if kind in kinds else {path: value}
            kinds.add(kind)
    return found


NOT_IN_PIPELINE = {"schema", "features", "serving", "rules", "until", "source", "candidate", "model", "tracking"}
"""What has a file of its own, or is chosen in params.yaml."""


def declared_keys(shape: Any) -> Iterator[str]:
    """Yield the names of all fields of a dataclass and of those in it."""
    for hint in typing.get_type_hints(shape).values() if dataclasses.is_dataclass(shape) else typing.get_args(shape):
        yield from declared_keys(hint)
    if dataclasses.is_dataclass(shape):
        yield from (field.name for field in dataclasses.fields(shape))


KEYS = set(declared_keys(views.Pipeline))


def value_at(document: Any, path: LeafPath) -> Any:
    """Return what stands at a path."""
    for key in path:
        document = document[key]
    return document


@contextlib.contextmanager
def edited(file: Path, values: dict[LeafPath, Any]) -> Iterator[None]:
    """Change leaves of a file for a while."""
    before = file.read_bytes()
    document = yaml.safe_load(before)
    for path, value in values.items():
        value_at(document, path[:-1])[path[-1]] = value
    file.write_text(yaml.safe_dump(document))
    try:
        yield
    finally:
        file.write_bytes(before)


@dataclasses.dataclass
class Composed:
    """What one command composes, of the files that it opened."""

    files: dict[Path, bytes]
    config: DictConfig
    origin: Origin
    read: dict[type, Any] = dataclasses.field(default_factory=dict)

    def holds(self) -> bool:
        """Return whether the files are still what they were."""
        return all(file.read_bytes() == content for file, content in self.files.items())


class Composer:
    """Composes what each stage reads: the typed part of the config that its command composes, or why it is refused.

    Composing is slow: nothing is composed again of the same files.
    """

    def __init__(self, repo: Repo, opened: set[Path]) -> None:
        self.repo = repo
        self.opened = opened
        self.known: dict[tuple[str, ...], list[Composed]] = {}

    def __call__(self) -> dict[str, Any]:
        """Return what each stage reads."""
        found: dict[str, Any] = {}
        for stage in self.repo.index.stages:
            kind = stage.addressing.partition("@")[0]
            if kind != "check":
                words = shlex.split(stage.cmd)
                composed = self._compose(words[words.index("-cd") + 1], *words[words.index("-cn") + 2 :])
                found[stage.addressing] = self._read(composed, getattr(views, f"{kind.capitalize()}Config"))
        return found

    def _read(self, composed: Composed, view: type) -> Any:
        if view not in composed.read:
            try:
                config = narrow(composed.config, view, composed.origin)
                composed.read[view] = OmegaConf.to_container(OmegaConf.structured(config))
            except ConfigError as error:
                composed.read[view] = str(error)
        return composed.read[view]

    def _compose(self, *command: str) -> Composed:
        known = self.known.setdefault(command, [])
        composed = next((composed for composed in known if composed.holds()), None)
        if composed is None:
            self.opened.clear()
            config, origin = compose_all(Path(self.repo.root_dir) / command[0], command[1:])
            composed = Composed({file: file.read_bytes() for file in self.opened}, config, origin)
            known.append(composed)
        return composed


@pytest.fixture(scope="module")
def repo(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """Return a copy of the finished project as DVC sees it, and be in it; every test leaves it as it was."""
    root = tmp_path_factory.mktemp("staleness") / "project"
    shutil.copytree(finished, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch, Repo(str(root)) as repo:
        for name, value in {**ENVIRONMENT, "DVC_NO_ANALYTICS": "1"}.items():
            patch.setenv(name, value)
        patch.chdir(root)
        patch.setattr("headrace.config.reading.CONF", str(root / "conf"))
        patch.setattr("headrace.config.composing.CONF", str(root / "conf"))
        yield repo


@pytest.fixture(scope="module")
def composer(repo: Repo) -> Iterator[Composer]:
    """Return what composes, and sees which files are opened for it."""
    opened: set[Path] = set()
    load: Callable[[Any], Any] = OmegaConf.load

    def observed(file: Any) -> Any:
        opened.add(Path(file if isinstance(file, str | Path) else file.name).resolve())
        return load(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", staticmethod(observed))
        yield Composer(repo, opened)


def named_by_status(repo: Repo) -> set[str]:
    """Return the stages that `dvc status` names, but for `check`, which depends on all declarations."""
    return {name for name in repo.status() if not name.startswith("check@")}


def named_for(repo: Repo, file: Path) -> set[str]:
    """Return what `named_by_status` would, where the only thing that is known to have changed is a file of parameters.

    It asks DVC's own stages in DVC's own way, for the parameters from that file alone.
    """
    return {
        stage.addressing
        for stage in repo.index.stages
        for dependency in stage.deps
        if isinstance(dependency, ParamsDependency) and Path(dependency.fs_path) == file and dependency.status()
    }


def place_of(file: str, path: LeafPath) -> LeafPath:
    """Return where a leaf of a file stands in a composed config."""
    if file.startswith("conf/"):
        return Path(file).parent.name, *path
    return path if Path(file).name == "pipeline.yaml" else (Path(file).stem, *path)


def differing(before: Any, after: Any, path: LeafPath = ()) -> Iterator[LeafPath]:
    """Yield the places at which two composed configs differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from differing(before.get(key, MISSING), after.get(key, MISSING), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differing(old, new, (*path, index))
    elif before != after or type(before) is not type(after):
        yield path


def starts(path: LeafPath, start: LeafPath) -> bool:
    """Return whether a path leads through another."""
    return path[: len(start)] == start


def test_configs_are_watched_as_parameters_alone(repo: Repo) -> None:
    """No stage but `check` depends on a config file or its folder as such: it would run again for any change of it."""
    configs = [Path(repo.root_dir) / file for file in FILES]
    for stage in repo.index.stages:
        for dependency in stage.deps:
            if not isinstance(dependency, ParamsDependency) and not stage.addressing.startswith("check@"):
                place = Path(dependency.fs_path)
                assert not [file for file in configs if file == place or place in file.parents], stage.addressing


@pytest.mark.parametrize("file", [file for file in FILES if file != CHOICES])
def test_dvc_status_names_just_the_stages_that_read_a_changed_leaf(repo: Repo, composer: Composer, file: str) -> None:
    """Every leaf of every config file: changed, it makes stale the stages whose composed config differs, and no other.

    The configs are composed once, with all leaves changed: none refers to another, so each stands or falls for itself.
    DVC is asked leaf by leaf for the parameters of this file alone (see the test above), and as a whole at first, with
    all leaves changed, and at last.
    """
    place = Path(repo.root_dir) / file
    text = place.read_text()
    assert not re.search(r"\$\{(?!oc\.env:)", text), "a leaf that refers to another is to be composed by itself"
    changes = cases(file, yaml.safe_load(text))
    assert changes
    before = composer()
    assert named_by_status(repo) == set()
    with edited(place, changes):
        after = composer()
        everything = named_by_status(repo)
    assert not [config for config in after.values() if isinstance(config, str)]
    differences = {name: list(differing(before[name], after[name])) for name in before}
    wrong = []
    for path, value in changes.items():
        own = place_of(file, path)
        reads = {name for name, places in differences.items() if any(starts(found, own) for found in places)}
        with edited(place, {path: value}):
            named = named_for(repo, place)
        shadowed = {name for name in named - reads if own[0] == "source" and said_by_pipeline(repo, name, own)}
        if named - shadowed != reads:
            wrong.append(f"{file}: {'.'.join(map(str, path))}: read by {sorted(reads)}, named are {sorted(named)}")
    assert not wrong, "\n".join(wrong)
    for name, places in differences.items():
        for found in places:
            assert any(starts(found, place_of(file, path)) for path in changes), f"{name}: {found}"
    assert {name for name, places in differences.items() if places} <= everything
    assert named_by_status(repo) == set()


def said_by_pipeline(repo: Repo, stage: str, path: LeafPath) -> bool:
    """Return whether the pipeline itself says what the chosen source's file says: DVC watches that file as a whole."""
    document = yaml.safe_load(Path(repo.root_dir, "pipelines", stage.partition("@")[2], "pipeline.yaml").read_text())
    try:
        value_at(document, path)
    except (KeyError, TypeError):
        return False
    return stage.startswith("ingest@")


def test_dvc_status_names_just_the_stages_that_read_a_changed_choice(repo: Repo, composer: Composer) -> None:
    """Every leaf of params.yaml, which says what the stages are: changed, it makes stale those that read it, no other."""
    place = Path(repo.root_dir) / CHOICES
    before = composer()
    assert not [config for config in before.values() if isinstance(config, str)]
    wrong = []
    for path, value in cases(CHOICES, yaml.safe_load(place.read_text())).items():
        with edited(place, {path: value}):
            named = named_by_status(repo)
            after = composer()
        reads = {name for name in after.keys() & before.keys() if after[name] != before[name]}
        if named & before.keys() != reads:
            wrong.append(f"{'.'.join(map(str, path))}: read by {sorted(reads)}, named are {sorted(named)}")
    assert not wrong, "\n".join(wrong)
    assert named_by_status(repo) == set()
