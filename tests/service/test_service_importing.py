"""What a worker imports to serve."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from headrace.service.importing import not_there
with not_there(("sklearn",)):
    import lightgbm
assert "sklearn" not in sys.modules, "LightGBM took scikit-learn along"
import sklearn
with not_there(("sklearn",)):
    import sklearn.base
print(lightgbm.__version__, sklearn.__version__)
"""


def test_lightgbm_is_imported_alone_and_the_rest_stays_importable() -> None:
    """What was hidden while LightGBM was imported can be imported afterwards; what was imported before is not hidden."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
