"""The files that a Bento is built from, in a folder of their own: BentoML walks through all that lies beside them."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from headrace.errors import ConfigError
from headrace.service import package_folder

BENTOFILE = "bentofile.yaml"
OF_A_PIPELINE = ("data/", "params.yaml")
"""What is included for `bentoml build` by hand; here the package is given, and the pipeline is an argument."""


def stage(root: Path, pipeline: str, contents: Path, folder: Path) -> None:
    """Copy what `bentofile.yaml` names, and a pipeline's package, to a folder.

    Args:
        root: The repository's root.
        pipeline: The pipeline's name.
        contents: The package, which may not be in its place yet.
        folder: Where to.

    Raises:
        ConfigError: `bentofile.yaml` is missing, or names a file that is.
    """
    for name in _named(root):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    shutil.copytree(contents, folder / package_folder(pipeline))


def _named(root: Path) -> list[str]:
    try:
        with (root / BENTOFILE).open() as file:
            bentofile = yaml.safe_load(file)
        patterns = [pattern for pattern in bentofile["include"] if not pattern.startswith(OF_A_PIPELINE)]
        lock = bentofile["python"]["requirements_txt"]
    except FileNotFoundError as error:
        raise ConfigError(f"{BENTOFILE}: no such file; `git checkout {BENTOFILE}` restores it") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{BENTOFILE}: {error}: missing; it names `include` and `python.requirements_txt`") from error
    named: list[str] = []
    for key, pattern in [("python.requirements_txt", lock), *(("include", pattern) for pattern in patterns)]:
        found = [file for file in root.glob(pattern) if file.is_file()]
        if not found:
            raise ConfigError(f"{BENTOFILE}: {key}: {pattern}: no such file; `git checkout {pattern}` restores it")
        named += [file.relative_to(root).as_posix() for file in found]
    _check_wheels(named)
    return sorted({BENTOFILE, *named})


def _check_wheels(names: list[str]) -> None:
    """Refuse a wheel of another version than the installed one, which wrote the package that it would serve."""
    for name in names:
        if name.endswith(".whl"):
            distribution, packed = Path(name).name.split("-")[:2]
            try:
                installed = version(distribution)
            except PackageNotFoundError:
                continue
            if packed != installed:
                raise ConfigError(
                    f"{name}: installed is {distribution} {installed}; `make environment` writes its wheel"
                )
