"""What was found of declarations, kept for as long as they, the code and the libraries stay what they are.

It is kept under a digest of all that it follows from, in the user's cache folder; without that folder, or after
`rm -r ~/.cache/headrace`, everything is found anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LIBRARIES = (
    "duckdb",
    "hydra-core",
    "lightgbm",
    "numpy",
    "omegaconf",
    "scikit-learn",
    "skops",
    "xgboost",
    "xgboost-cpu",
)
PACKAGE = Path(__file__).parents[1]
VARIABLE = re.compile(rb"oc\.env:([A-Za-z_][A-Za-z0-9_]*)")
LASTING = ("sklearn.", "lightgbm.", "xgboost.", "headrace.")
"""Classes whose code is that of LIBRARIES or ours; of others no digest says whether they changed."""
MOST = 500
"""Findings that are kept, the last ones."""


def digest_of(text: str, files: Iterable[Path] = ()) -> str:
    """Return a digest of a text, of files with the environment variables that they name, and of code and libraries."""
    digest = hashlib.sha256(f"{_ground()}{text}".encode())
    for file in files:
        content = file.read_bytes()
        given = {name: os.environ.get(name.decode()) for name in VARIABLE.findall(content)}
        digest.update(f"{file} {len(content)} {given}".encode())
        digest.update(content)
    return digest.hexdigest()


def is_lasting(targets: Iterable[str]) -> bool:
    """Return whether all that is named by these `_target_` stays what it is while the digest does."""
    return all(str(target).startswith(LASTING) for target in targets)


def recall(digest: str) -> Any:
    """Return what was kept under a digest; None where nothing was."""
    return _kept().get(digest)


def keep(digest: str, found: Any) -> None:
    """Keep what was found, in JSON's types; nothing happens where the folder cannot be written."""
    from headrace.errors import HeadraceError
    from headrace.storage import write_beside

    kept = {**_kept(), digest: found}
    with contextlib.suppress(OSError, RuntimeError, HeadraceError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        with write_beside(_file()) as beside:
            beside.write_text(json.dumps(dict(list(kept.items())[-MOST:])))


@functools.cache
def _ground() -> str:
    stamps = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(PACKAGE.rglob("*.py"))]
    return repr((stamps, [_version(name) for name in LIBRARIES]))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _file() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "headrace", "checked.json")


def _kept() -> dict[str, Any]:
    try:
        kept = json.loads(_file().read_bytes())
    except (OSError, ValueError, RuntimeError):
        return {}
    return kept if isinstance(kept, dict) else {}
