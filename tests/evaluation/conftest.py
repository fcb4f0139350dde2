"""Pipelines whose candidates are trained, and not judged yet."""

from __future__ import annotations

import pytest
from judged_pipeline import make_timed, make_untimed


@pytest.fixture(scope="session")
def timed(tmp_path_factory):
    """Rows with time, and all that can be declared about judging them."""
    return make_timed(tmp_path_factory.mktemp("timed"))


@pytest.fixture(scope="session")
def untimed(tmp_path_factory):
    """Rows without time, and nothing declared that could be left out."""
    return make_untimed(tmp_path_factory.mktemp("untimed"))
