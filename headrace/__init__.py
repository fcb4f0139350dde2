"""Headrace leads declared data to a model in production, and what production learned back to the data."""

import os

# LightGBM's and scikit-learn's threads wait for each other by spinning. Where two trainings share a machine (as with
# `dvc queue start --jobs 2`) they spin against each other: a training of seconds took more than ten minutes. The
# libraries read this when they are loaded, so it stands before all imports.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
