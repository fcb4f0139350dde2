"""dvc.yaml names all the code and every library that a stage uses, and the rooms of the house know one direction."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# They change no output: the words of an error, and what is said while a stage runs.
NO_OUTPUT = {
    "headrace/__init__.py",
    "headrace/errors.py",
    "headrace/console.py",
    "headrace/words.py",
    "stages/__init__.py",
}
# Hydra composes, YAML is read, a bar is drawn; which version does so changes no output.
NO_RESULT = {"filelock", "hydra", "omegaconf", "yaml", "rich", "tenacity", "jinja2", "markupsafe", "typer"}

# A candidate's own library is named by `models.<model>` where it is trained; its manifest tells the later stages.
OF_A_MODEL = {"lightgbm", "xgboost"}


def imported(file: Path) -> set[str]:
    """Return the dotted names that a module imports when it runs, wherever in it; not those for types alone."""
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(file.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        nodes += ast.iter_child_nodes(node)
    return names


def files_of(name: str) -> list[Path]:
    """Return the files that importing a dotted name of ours runs: its module and the packages around it."""
    parts = name.split(".")
    if parts[0] not in {"headrace", "stages"}:
        return []
    found = [ROOT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    found.append(ROOT.joinpath(*parts[:-1], f"{parts[-1]}.py"))
    return [file for file in found if file.is_file()]


def closure(start: Path) -> tuple[set[str], set[str]]:
    """Return the files of ours that a module runs, and the top-level names of others that these import."""
    files, others, todo = set(), set(), [start]
    while todo:
        file = todo.pop()
        if str(file.relative_to(ROOT)) in files:
            continue
        files.add(str(file.relative_to(ROOT)))
        for name in imported(file):
            own = files_of(name)
            todo += own
            if name.partition(".")[0] not in {"headrace", "stages"}:
                others.add(name.partition(".")[0])
    return files - NO_OUTPUT, others - set(sys.stdlib_module_names) - NO_RESULT


def code_deps(stage: str) -> list[str]:
    """Return the dependencies of a stage that are code of ours."""
    return [dep for dep in STAGES[stage]["do"]["deps"] if dep.startswith(("headrace", "stages/"))]


def library_params(stage: str) -> set[str]:
    """Return the libraries of environment.yaml that a stage names."""
    for param in STAGES[stage]["do"]["params"]:
        if isinstance(param, dict) and "environment.yaml" in param:
            return {key.partition(".")[2] for key in param["environment.yaml"] if key.startswith("libraries")}
    return set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_it_runs_and_on_no_other(stage: str) -> None:
    """Every file that the stage's module imports lies in a dependency; every dependency holds such a file."""
    files, _ = closure(ROOT / "stages" / f"{stage}.py")
    if stage == "package":  # a Bento brings the service's own code
        files |= closure(ROOT / "headrace" / "service" / "entry.py")[0]
    deps = code_deps(stage)
    assert {file for file in files if not any(file == dep or file.startswith(dep + "/") for dep in deps)} == set()
    assert {dep for dep in deps if not any(file == dep or file.startswith(dep + "/") for file in files)} == set()


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "check"])
def test_a_stage_depends_on_the_libraries_it_imports_and_on_no_other(stage: str) -> None:
    """The library of a candidate's model is named by its own key."""
    _, others = closure(ROOT / "stages" / f"{stage}.py")
    assert library_params(stage) == others - OF_A_MODEL


def test_the_library_imports_no_stage() -> None:
    """Stages, service and command line use the library, never the other way round."""
    users = [
        str(file) for file in (ROOT / "headrace").rglob("*.py") if any(n.startswith("stages") for n in imported(file))
    ]
    assert users == []


def test_serving_imports_nothing_of_the_pipeline_tools() -> None:
    """The Bento installs neither MLflow nor DVC nor Hydra."""
    _, others = closure(ROOT / "headrace" / "service" / "__init__.py")
    assert others & {"mlflow", "dvc", "hydra", "omegaconf", "optuna", "pandera", "polars", "matplotlib"} == set()
