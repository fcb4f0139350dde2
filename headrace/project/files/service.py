"""What `bentoml serve` and `bentoml build` import: the service of one pipeline, as the Headrace in wheels/ makes it.

A Bento brings that wheel: it serves with the Headrace that it was built with, whatever is installed.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(wheel) for wheel in Path(__file__).resolve().parent.glob("wheels/headrace-*.whl")]

from headrace.service.choosing import chosen_service  # noqa: E402

Service = chosen_service()
