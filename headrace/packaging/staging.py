"""The files that a Bento is built from, in a folder of their own: BentoML walks through all that lies beside them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import yaml

from headrace.errors import ConfigError
from headrace.service import package_folder

if TYPE_CHECKING:
    from pathlib import Path

BENTOFILE = "bentofile.yaml"
CODE = "headrace/"


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
        patterns = [pattern for pattern in bentofile["include"] if pattern.startswith(CODE)]
        lock = bentofile["python"]["requirements_txt"]
    except FileNotFoundError as error:
        raise ConfigError(f"{BENTOFILE}: no such file; `git checkout {BENTOFILE}` restores it") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{BENTOFILE}: {error}: missing; it names `include` and `python.requirements_txt`") from error
    if not (root / lock).is_file():
        raise ConfigError(f"{BENTOFILE}: python.requirements_txt: {lock}: no such file; `make lock` writes it")
    code = {file.relative_to(root).as_posix() for pattern in patterns for file in root.glob(pattern)}
    return [BENTOFILE, lock, *sorted(code)]
