"""What a worker imports to serve."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from headrace.service.importing import NOT_TO_SERVE, not_there
with not_there(NOT_TO_SERVE):
    import lightgbm, pyarrow
    pyarrow.array([None])
pyarrow.table({"a": pyarrow.array([1.0, None]), "b": pyarrow.array(["x", None])})["a"].to_numpy()
taken = [name for name in NOT_TO_SERVE if name in sys.modules]
assert not taken, f"LightGBM or Arrow took {taken} along"
import pandas, sklearn
with not_there(NOT_TO_SERVE):
    import sklearn.base
print(lightgbm.__version__, sklearn.__version__)
"""


def test_lightgbm_is_imported_alone_and_the_rest_stays_importable() -> None:
    """What was hidden while LightGBM was imported can be imported afterwards; what was imported before is not hidden."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
