"""Small pipelines with winners, packaged once for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaged_pipeline import Place, copy_place, make_place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Place:
    """Return a place with both pipelines packaged; nobody writes there."""
    base = tmp_path_factory.getbasetemp()
    return make_place((base if worker_id == "master" else base.parent) / "packaged")


@pytest.fixture
def place(packaged: Place, tmp_path: Path) -> Place:
    """Return a copy of it, to change at will."""
    return copy_place(packaged, tmp_path / "copy")
