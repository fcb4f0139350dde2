"""LightGBM and Arrow in a process that only predicts: without what they take along where it is installed.

scikit-learn and matplotlib were a third of the CPU that a worker's start took, and a fifth of its memory.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

from headrace.models.families.lightgbm import LightGBM
from headrace.service.contents import WINNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKER = "_bentoml_impl.worker.service"
NOT_TO_SERVE = ("sklearn", "matplotlib", "pandas")


def import_for_serving(folder: Path) -> None:
    """Import LightGBM alone if a package needs it and this process is one of BentoML's workers.

    In any other process somebody may want to fit a model later: once imported like this, LightGBM cannot.

    Args:
        folder: The package.
    """
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if getattr(main, "name", None) == WORKER and (folder / WINNER / LightGBM.file).exists():
        with not_there(NOT_TO_SERVE):
            importlib.import_module("lightgbm")
            # Arrow looks for pandas at its first array, and once: that would be within a request.
            importlib.import_module("pyarrow").array([None])


@contextlib.contextmanager
def not_there(names: tuple[str, ...]) -> Iterator[None]:
    """Have modules that are not imported yet look as if they were not installed."""
    hiding = _Hiding(names)
    sys.meta_path.insert(0, hiding)
    try:
        yield
    finally:
        sys.meta_path.remove(hiding)


class _Hiding(MetaPathFinder):
    """Says of some modules that they are not there, before anybody looks for them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:  # noqa: ARG002  as all finders
        if fullname in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
