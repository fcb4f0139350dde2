"""`headrace warm`: a pipeline's live windows, filled before its service starts or while it runs."""

from __future__ import annotations

import time

from headrace.cli.names import Name  # noqa: TC001  Typer reads it
from headrace.cli.settings import settings_of
from headrace.console import say


def warm(name: Name) -> None:
    """Fill the windows with the packaged history, unless they have it. A service may run meanwhile."""
    from headrace.config import one_line_errors
    from headrace.live import open_windows
    from headrace.service import package_folder, read_contents
    from headrace.service.contents import HISTORY
    from headrace.service.warming import warm as fill

    with one_line_errors():
        settings, folder = settings_of(name), package_folder(name)
        contents = read_contents(folder)
        if HISTORY not in contents.files:
            say(f"warm {name}: no window looks back, so there is nothing to fill")
            return
        settings.state.mkdir(parents=True, exist_ok=True)
        live = open_windows(settings.windows.url, contents)
        try:
            since = time.perf_counter()
            rows = fill(folder, contents, live)
        finally:
            live.close()
        seconds = time.perf_counter() - since
        done = f"{rows} rows of history in {seconds:.1f} s" if rows else "the windows have this history already"
        say(f"warm {name}: {done}")
