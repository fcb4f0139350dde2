"""A project without pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drafted_place import make_place

if TYPE_CHECKING:
    from pathlib import Path

    from drafted_place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a project without pipelines, in which the test works."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return make_place(root)
