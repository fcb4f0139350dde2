"""LightGBM in a process that only predicts: without what it takes along for training, where that is installed.

They were a third of the CPU that a worker's start took, and a fifth of its memory.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from headrace.models.families.lightgbm import LightGBM
from headrace.service.contents import WINNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKER = "_bentoml_impl.worker.service"
FOR_TRAINING = ("sklearn", "matplotlib")
"""Not pandas: Arrow imports it at its first array, which would be within a request."""


def import_for_serving(folder: Path) -> None:
    """Import LightGBM alone if a package needs it and this process is one of BentoML's workers.

    In any other process somebody may want to fit a model later: once imported like this, LightGBM cannot.

    Args:
        folder: The package.
    """
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if getattr(main, "name", None) == WORKER and (folder / WINNER / LightGBM.file).exists():
        with not_there(FOR_TRAINING):
            importlib.import_module("lightgbm")


@contextlib.contextmanager
def not_there(names: tuple[str, ...]) -> Iterator[None]:
    """Have modules that are not imported yet look as if they were not installed."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None is what `import` takes for a missing module
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
