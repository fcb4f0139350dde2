"""`params.yaml`: what a pull request changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""What pipelines and candidates may be called: a name is a folder, a DVC stage and a key of a command line."""
RIGHT_NAME = "a name is letters, digits, - and _, and starts with a letter"


@dataclass(kw_only=True)
class PipelineChoices:
    """A pipeline that runs: a folder in `pipelines/`."""

    source: str
    """A file in `conf/source/`."""
    until: str
    """The day after the last one to read, in quotes (`"2018-08-15"`), or `all` where rows have no time."""
    tracking: str
    """A file in `conf/tracking/`."""


@dataclass(kw_only=True)
class CandidateChoices:
    """A model that competes. Its name is that of its DVC stage (`train@<name>`) and of its folder."""

    pipeline: str
    """One of `pipelines`."""
    model: str
    """A file in `conf/model/`."""


@dataclass(kw_only=True)
class Parameters:
    """Which pipelines run, until which day, which models compete.

    A name starts with a letter; letters, digits, `-` and `_` follow.
    """

    pipelines: Dict[str, PipelineChoices]
    candidates: Dict[str, CandidateChoices]
    """Each pipeline has one or more."""
