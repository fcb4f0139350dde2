"""The files that a new project starts with, where this Headrace has them."""

from __future__ import annotations

import tomllib
from pathlib import Path

OWN = Path(__file__).resolve().parent
CODE = OWN.parents[1]
"""The folder that our code lies in: the repository's root, or where it is installed."""
STOCK = OWN / "stock"
FILES = OWN / "files"
"""What only a new project has."""


def stock_files() -> dict[str, Path]:
    """Return the repository's own files that every project has, by their names in the repository.

    A wheel brings them beside this module; an editable installation has them where pyproject.toml says.
    """
    root, names = (STOCK, ["."]) if STOCK.is_dir() else (CODE, _named_in_the_repository())
    return {
        file.relative_to(root).as_posix(): file
        for name in names
        for file in ([root / name] if (root / name).is_file() else sorted((root / name).rglob("*")))
        if file.is_file()
    }


def own_files() -> dict[str, Path]:
    """Return the files that only a new project has, by their names in it."""
    return {file.name: file for file in sorted(FILES.iterdir()) if file.is_file()}


def _named_in_the_repository() -> list[str]:
    declared = tomllib.loads((CODE / "pyproject.toml").read_text())
    return list(declared["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["stock"])
