"""Pipelines whose candidates are judged."""

from __future__ import annotations

import pytest
from judged_pipeline import judge, make_hopeless, make_timed, make_untimed


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    """Rows with time, and all that can be declared about judging them."""
    return judge(make_timed(tmp_path_factory.mktemp("timed")))


@pytest.fixture(scope="session")
def judged_untimed(tmp_path_factory):
    """Rows without time, and nothing declared that could be left out."""
    return judge(make_untimed(tmp_path_factory.mktemp("untimed")))


@pytest.fixture(scope="session")
def judged_hopeless(tmp_path_factory):
    """A candidate that scores all rows alike."""
    return judge(make_hopeless(tmp_path_factory.mktemp("hopeless")))
