"""Write `environment.yaml`: the installed version of every library that our code or a model imports.

DVC stages name the libraries they use as parameters (`environment.yaml: [libraries.duckdb]`), so a new version of one
library reruns what uses it and nothing else.
"""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import yaml

from headrace.storage import write_beside

HEADER = (
    "# Written by `make environment`, from what is installed. dvc.yaml's stages depend on it, library by library.\n"
)
CODE = Path(__file__).resolve().parents[2]
"""The folder that our code lies in: the repository's root, or where it is installed."""
OWN = "headrace"


def describe(root: Path) -> dict[str, Any]:
    """Return the libraries by the name that our code imports, ours too, and the library of each `conf/model/*.yaml`."""
    distributions = packages_distributions()

    def installed(name: str) -> str:
        # Some packages come in several distributions (mlflow, mlflow-skinny): the one of the same name is meant.
        distribution = name if name in distributions[name] else min(distributions[name])
        return f"{distribution} {version(distribution)}"

    imported = {name for folder in ("headrace", "stages") for name in imports(CODE / folder)}
    models = {file.stem: _library(file) for file in sorted((root / "conf" / "model").glob("*.yaml"))}
    libraries = {name: installed(name) for name in imported & distributions.keys()}
    return {
        "libraries": dict(sorted({**libraries, OWN: f"{OWN} {version(OWN)}"}.items())),
        "models": {name: {library: installed(library)} for name, library in models.items() if library in distributions},
    }


def write(root: Path) -> list[str]:
    """Bring `environment.yaml` up to date; return a line for each change, none where it was."""
    file = root / "environment.yaml"
    old = yaml.safe_load(file.read_text()) if file.exists() else {}
    new = describe(root)
    if new == old:
        return []
    with write_beside(file) as beside:
        beside.write_text(HEADER + yaml.safe_dump(new))
    before, after = old.get("libraries", {}), new["libraries"]
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [f"{name}: {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names] or ["models"]


def imports(folder: Path) -> set[str]:
    """Return the top-level names of the other people's packages that the Python files of a folder import."""
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"headrace", "stages"}


def _library(model: Path) -> str:
    return str(yaml.safe_load(model.read_text()).get("_target_", "")).partition(".")[0]
