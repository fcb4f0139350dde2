"""BentoML tells its makers how it is used unless it is told not to. A service of Headrace tells nobody."""

from __future__ import annotations

import contextlib
import os

DO_NOT_TRACK = "BENTOML_DO_NOT_TRACK"


def track_nothing() -> None:
    """Switch BentoML's usage tracking off, unless the environment says something of it."""
    if DO_NOT_TRACK in os.environ:
        return
    os.environ[DO_NOT_TRACK] = "True"
    # BentoML's command line has looked there before it imports a service, and remembers what it saw.
    with contextlib.suppress(ImportError, AttributeError):
        from bentoml._internal.utils.analytics import usage_stats

        usage_stats.do_not_track.cache_clear()
