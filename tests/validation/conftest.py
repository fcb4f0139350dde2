"""What the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from validation_place import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return an empty data folder."""
    return Place(tmp_path / "data" / "pipeline")
