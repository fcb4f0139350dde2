"""Headrace leads declared data to a model in production, and what production learned back to the data."""

import os

# Before any library brings OpenMP: threads that wait shall sleep. By default they spin, and where two processes want
# the same cores LightGBM then takes a minute for what it does in a second.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
