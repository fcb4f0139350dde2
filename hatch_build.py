"""Put what `headrace init` lays down into the wheel; an editable installation reads it where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StockHook(BuildHookInterface[Any]):
    """Copies the files that `stock` names in pyproject.toml to `headrace/project/stock/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name them to hatchling."""
        if version == "editable":
            return
        for name in self.config["stock"]:
            build_data["force_include"][str(Path(self.root, name))] = f"headrace/project/stock/{name}"
