"""A project laid down in a folder, file by file; what stands there already is left as it is."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace.environment import write as write_environment
from headrace.errors import ConfigError
from headrace.project.deriving import BENTOFILE, ENVIRONMENT, derive_bentofile, derive_stages
from headrace.project.stock import own_files, stock_files
from headrace.project.wheel import PACKAGES, WHEELS, write_wheel
from headrace.storage import write_beside

STAGES = "dvc.yaml"
PARAMS = "params.yaml"
SECTIONS = ("pipelines", "candidates")
LOCK = "requirements.lock"
TIED = (STAGES, BENTOFILE, "service.py", LOCK, "requirements.serve.lock")
"""What has to fit the installed Headrace; the other files are a project's own once they are laid down."""
RENAMED = {"requirements.project.lock": LOCK}
WORKFLOWS = ".github/"
IGNORE = (".gitignore", ".dvcignore")


@dataclass
class Laid:
    """What was done to a folder."""

    written: list[str] = field(default_factory=list)
    """Files that were missing, and those that say what is installed where that had changed."""
    completed: list[str] = field(default_factory=list)
    """Ignore files that lines were added to."""
    left: list[str] = field(default_factory=list)
    """Files that say something else than a new project's."""
    remarks: list[str] = field(default_factory=list)

    @property
    def untied(self) -> list[str]:
        """Return those files that say something else and have to fit the installed Headrace."""
        return [name for name in self.left if name in TIED]


def is_project(folder: Path) -> bool:
    """Return whether a folder is a project: its stages are Headrace's, its `params.yaml` has room for pipelines."""
    params = _load(folder / PARAMS)
    return _has_our_stages(folder) and all(_has_room(params, section) for section in SECTIONS)


def lay_down(folder: Path) -> Laid:
    """Make a folder a project: write each file that is missing, and make it a git repository if it is in none.

    Args:
        folder: The folder, which exists.

    Raises:
        ConfigError: It cannot become one; the message has a line for each reason, and nothing was written.
    """
    contents = _contents()
    _refuse(folder, [*contents, ENVIRONMENT, f"{WHEELS}/headrace.whl"])
    stages = contents.pop(STAGES)
    laid = Laid()
    try:
        top = _find_git(folder, laid)
        for name, content in contents.items():
            if top or not name.startswith(WORKFLOWS):
                _write(folder, name, content, laid)
        if write_wheel(folder):
            laid.written.append(f"{WHEELS}/")
        if write_environment(folder):
            laid.written.append(ENVIRONMENT)
        _write(folder, STAGES, stages, laid)  # the last one: with it the folder is a project
    except PermissionError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}") from error
    laid.remarks += _unlike_the_lock(folder)
    return laid


def _contents() -> dict[str, bytes]:
    """Return what a new project's files hold."""
    contents = {RENAMED.get(name, name): file.read_bytes() for name, file in (stock_files() | own_files()).items()}
    contents[BENTOFILE] = derive_bentofile(contents[BENTOFILE].decode()).encode()
    contents[STAGES] = derive_stages(contents[STAGES].decode()).encode()
    return contents


def _refuse(folder: Path, names: list[str]) -> None:
    """Refuse a folder in which the stages would not run."""
    wrong = [
        f"{name}: Python would import this in place of Headrace's own; use another folder"
        for package in PACKAGES
        for name in (f"{package}/__init__.py", f"{package}.py")
        if (folder / name).exists()
    ]
    if (folder / STAGES).is_file() and not _has_our_stages(folder):
        wrong.append(f"{STAGES}: has stages of another project; use another folder")
    if (folder / PARAMS).is_file():
        params = _load(folder / PARAMS)
        wrong += [
            f"{PARAMS}: {section}: {_found(params.get(section))}; write `{section}: {{}}`, or use another folder"
            for section in SECTIONS
            if not _has_room(params, section)
        ]
    parents = {parent for name in names for parent in (folder / name).relative_to(folder).parents}
    wrong += [f"{name}: is a file, and has to be a folder" for name in parents if (folder / name).is_file()]
    wrong += [f"{name}: is a folder, and has to be a file" for name in names if (folder / name).is_dir()]
    if wrong:
        raise ConfigError("\n".join(sorted(wrong)))


def _has_room(params: dict[str, Any], section: str) -> bool:
    """Return whether a section is there, be it empty."""
    return section in params and (params[section] is None or isinstance(params[section], dict))


def _found(section: Any) -> str:
    return "missing" if section is None else f"found {section!r}; it has to be a name and its choices on each line"


def _has_our_stages(folder: Path) -> bool:
    return "${pipelines}" in str(_load(folder / STAGES).get("stages"))


def _load(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    with file.open() as text:  # an error of YAML names the file of a stream
        content = yaml.safe_load(text)
    return content if isinstance(content, dict) else {}


def _find_git(folder: Path, laid: Laid) -> bool:
    """Make the folder a git repository if it is in none; return whether it is the top of its repository."""
    try:
        found = subprocess.run(["git", "rev-parse", "--show-prefix"], cwd=folder, capture_output=True, check=False)
        if found.returncode:
            subprocess.run(["git", "init", "--quiet"], cwd=folder, capture_output=True, check=True)
            laid.remarks.append("It is a git repository now: `git add .` and `git commit` when you have looked around.")
    except FileNotFoundError as error:
        raise ConfigError("git: not found; a project is reviewed and versioned with it, so install it") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"{folder}: `git init` failed: {error.stderr.decode().strip()}") from error
    # GitHub reads .github/ at the top alone.
    return not found.stdout.strip()


def _write(folder: Path, name: str, content: bytes, laid: Laid) -> None:
    file = folder / name
    if not file.exists():
        with write_beside(file) as beside:
            beside.write_bytes(content)
        laid.written.append(name)
    elif name in IGNORE:
        present = file.read_text()
        missing = [line for line in content.decode().splitlines() if line not in present.splitlines()]
        if any(not line.startswith("#") for line in missing):
            with write_beside(file) as beside:
                beside.write_text("\n".join([present.rstrip("\n"), *missing, ""]).lstrip("\n"))
            laid.completed.append(name)
    elif file.read_bytes() != content:
        laid.left.append(name)


def _unlike_the_lock(folder: Path) -> list[str]:
    """Say which of the libraries that stages use are not installed as the lock has them."""
    pins = _pins((folder / LOCK).read_text())
    used = [str(said).split(" ") for said in _load(folder / ENVIRONMENT)["libraries"].values()]
    unlike = [
        f"{name} {version} ({pin})"
        for name, version in used
        if (pin := pins.get(canonicalize_name(name), version)) != version
    ]
    said = f"Installed are other versions than {LOCK} has (in parentheses): {', '.join(unlike)}."
    return [f"{said} `uv pip install -r {LOCK}` installs those."] if unlike else []


def _pins(lock: str) -> dict[str, str]:
    """Return the versions that a lock has for this machine, by the canonical names of the distributions."""
    lines = [line.rstrip(" \\") for line in lock.splitlines() if "==" in line and line[0] not in " #"]
    pinned = [
        requirement
        for requirement in map(Requirement, lines)
        if not requirement.marker or requirement.marker.evaluate()
    ]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in pinned}
