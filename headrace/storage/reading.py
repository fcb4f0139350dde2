"""Read what an earlier stage wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(file: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DataError: it is not there or no JSON.
    """
    try:
        return json.loads(file.read_text())
    except FileNotFoundError as error:
        raise DataError(f"{file}: no such file; `dvc repro` runs the stage that writes it") from error
    except ValueError as error:
        raise DataError(f"{file}: no JSON ({error}); delete it and run `dvc repro`") from error
