"""Where a key of a composed config was written: an error names a file that its reader can open."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWN_FILES = ("schema", "features", "serving", "rules")


@dataclass(frozen=True)
class Origin:
    """The files and the command line that a config was composed from."""

    folder: Path
    """The pipeline's folder."""
    choices: Mapping[str, str | None] = field(default_factory=dict)
    """The chosen option of each group."""
    overrides: Sequence[str] = ()
    """The command line, in Hydra's syntax."""

    def __call__(self, key: str) -> str:
        """Return `file: key` for a dotted key.

        What the command line sets is `params.yaml`'s where that has it, since `dvc.yaml` passes it on from there.
        """
        given = dict(override.lstrip("+~").partition("=")[::2] for override in self.overrides)
        if key in given:
            own = f"pipelines.{self.folder.name}.{key}"
            return f"params.yaml: {own}" if _has(Path("params.yaml"), own) else f"command line: {key}"
        for file, inner in self.places(key):
            if _has(file, inner):
                return f"{file}: {inner}"
        file, inner = self.places(key)[-1]
        return f"{file}: {inner}"

    def file_of(self, config: str) -> Path:
        """Return the file of a config by Hydra's name for it, such as `pipeline` or `model/lightgbm`."""
        return (Path("conf") if "/" in config else self._folder) / f"{config}.yaml"

    @cached_property
    def _folder(self) -> Path:
        return self.folder.relative_to(Path.cwd()) if self.folder.is_relative_to(Path.cwd()) else self.folder

    def places(self, key: str) -> list[tuple[Path, str]]:
        """Return the files that may say a key, and the key inside each; what the first one says counts."""
        first, _, inner = key.partition(".")
        places = [(self.file_of("pipeline"), key)]
        if first in OWN_FILES and inner:
            places.append((self.file_of(first), inner))
        elif self.choices.get(first) and inner:
            places.append((self.file_of(f"{first}/{self.choices[first]}"), inner))
        return places


def _has(file: Path, key: str) -> bool:
    node: Any = OmegaConf.to_container(OmegaConf.load(file)) if file.is_file() else None
    for name in key.split("."):
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True
