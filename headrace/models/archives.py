"""skops archives: equal objects are equal bytes, and nothing but scikit-learn's and NumPy's types is read."""

from __future__ import annotations

import importlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from headrace.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "schema.json"
TRUSTED_PACKAGES = ("sklearn", "numpy")
TRUSTED_NAMES = ("functools.partial", "sklearn.utils.validation.check_array")
"""What HistGradientBoostingClassifier takes its categories apart with."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can name."""


def write(instance: Any, path: Path) -> None:
    """Write an object by skops; not the time of writing, nor where in memory the object happened to be."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(instance))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    names: dict[Any, Any] = {}
    schema = _renumber(json.loads(files.pop(SCHEMA)), names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(SCHEMA), json.dumps(schema))
        for name, content in files.items():
            archive.writestr(_entry(names[name]), content)


def read(path: Path) -> Any:
    """Read an object.

    Raises:
        IntegrityError: The archive names a type that is no class of scikit-learn or NumPy.
    """
    import skops.io

    unknown = skops.io.get_untrusted_types(file=path)
    foreign = [name for name in unknown if not _is_trusted(name)]
    if foreign:
        packages = " and ".join(TRUSTED_PACKAGES)
        raise IntegrityError(f"{path}: it names {', '.join(foreign)}; only classes of {packages} are read from a model")
    return skops.io.load(path, trusted=unknown)


def _is_trusted(name: str) -> bool:
    # A function, such as one that opens a URL, is never trusted: only classes are.
    module, _, attribute = name.rpartition(".")
    if name in TRUSTED_NAMES:
        return True
    if name.partition(".")[0] not in TRUSTED_PACKAGES:
        return False
    try:
        return isinstance(getattr(importlib.import_module(module), attribute), type)
    except (ImportError, AttributeError):
        return False


def _renumber(node: Any, names: dict[Any, Any]) -> Any:
    # skops calls objects and the files of arrays by id(), their address; we call them by their order.
    if isinstance(node, list):
        return [_renumber(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    renumbered = {}
    for key, value in node.items():
        if key == "__id__":
            renumbered[key] = names.setdefault(value, len(names))
        elif key == "file" and isinstance(value, str):
            renumbered[key] = names.setdefault(value, f"{len(names)}{value[value.rindex('.') :]}")
        else:
            renumbered[key] = _renumber(value, names)
    return renumbered


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
