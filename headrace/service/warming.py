"""Windows that are cold, filled from the history in the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.service.contents import HISTORY

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.live import LiveFeatures
    from headrace.service.contents import Contents


def warm(folder: Path, contents: Contents, live: LiveFeatures) -> int:
    """Fill the windows unless they are filled; other processes may do so at the same time.

    Args:
        folder: The package.
        contents: What `read_contents` says of it.
        live: The windows.

    Returns:
        How many rows were looked through: 0 where there was nothing to do.

    Raises:
        WindowsUnavailable: Their store cannot be reached now; what is filled by then stays.
    """
    if HISTORY not in contents.files or live.is_warm(contents.files[HISTORY]):
        return 0
    import pyarrow.parquet as pq  # a warm start has no use for it

    history = pq.read_table(folder / HISTORY)
    live.warm(history, contents.files[HISTORY])
    return int(history.num_rows)
