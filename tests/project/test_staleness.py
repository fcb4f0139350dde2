"""No stage can run on a stale config: what a stage reads, `dvc status` watches, and nothing more."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dvc.repo import Repo

from headrace.declaration import pipeline as views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from small_project import Project

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    str(file.relative_to(ROOT))
    for pattern in ("params.yaml", "conf/*/*.yaml", "pipelines/*/*.yaml")
    for file in ROOT.glob(pattern)
)
GROUPS = {"source", "model", "tracking"}
ENVIRONMENT = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "DATABASE_URL": "sqlite://"}


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf of a YAML document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from leaves(child, (*path, key))
    if empty:
        yield path


def changed(path: tuple[Any, ...], value: Any) -> Any:
    """Return another value of the same type, and another option where the leaf chooses one."""
    if path[-1] in GROUPS and path[0] in {"pipelines", "candidates"}:
        return next(o.stem for o in sorted((ROOT / "conf" / path[-1]).glob("*.yaml")) if o.stem != value)
    if path[0] == "candidates" and path[-1] == "pipeline":
        return {"fraud": "churn", "churn": "fraud"}[value]
    if path[-1] == "on_failure":
        return {"refuse": "serve", "serve": "refuse"}[value]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return {str: f"{value}0", dict: {"new": "0"}, list: ["0"]}.get(type(value), "0")


@contextlib.contextmanager
def edited(file: Path, path: tuple[Any, ...]) -> Iterator[None]:
    """Change one leaf of a file for a while."""
    before = file.read_bytes()
    document = yaml.safe_load(before)
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = changed(path, node[path[-1]])
    file.write_text(yaml.safe_dump(document))
    try:
        yield
    finally:
        file.write_bytes(before)


def composed(root: Path) -> dict[str, Any]:
    """Return what each stage of the project reads: the typed part of the config that its command composes."""
    from headrace.config import compose

    found: dict[str, Any] = {}
    with Repo(str(root)) as repo:
        commands = {stage.addressing: stage.cmd for stage in repo.index.stages}
    for name, command in commands.items():
        kind = name.partition("@")[0]
        if kind == "check":
            continue
        words = shlex.split(command)
        view = getattr(views, f"{kind.capitalize()}Config")
        config, _ = compose(root / words[words.index("-cd") + 1], words[words.index("-cn") + 2 :], view)
        found[name] = config
    return found


def stale(root: Path) -> set[str]:
    """Return the stages that `dvc status` names."""
    with Repo(str(root)) as repo:
        return {name for name in repo.status() if not name.startswith("check@")}


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_dvc_status_names_just_the_stages_that_read_a_changed_leaf(
    project: Project, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every leaf of every config file: changed, it makes stale the stages whose composed config differs, and no other."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.root)
    monkeypatch.setattr("headrace.config.reading.CONF", str(project.root / "conf"))
    monkeypatch.setattr("headrace.config.composing.CONF", str(project.root / "conf"))
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    before = composed(project.root)
    assert stale(project.root) == set()
    wrong = []
    cases = [path for path in leaves(yaml.safe_load((project.root / file).read_text())) if path[0] != "defaults"]
    assert cases
    for path in cases:
        with edited(project.root / file, path):
            after = composed(project.root)
            reads = {name for name in after if after[name] != before.get(name)} & before.keys()
            named = stale(project.root)
        if named & before.keys() != reads:
            wrong.append(
                f"{file}: {'.'.join(map(str, path))}: read by {sorted(reads)}, dvc status names {sorted(named)}"
            )
    assert not wrong, "\n".join(wrong)
    assert stale(project.root) == set()
