"""The typed shape of a pipeline in Hydra's ConfigStore, under the name `base`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List  # noqa: UP035  OmegaConf reads these

from hydra.core.config_store import ConfigStore

from headrace.declaration.pipeline import Pipeline

# Groups stay unchosen here: the command line chooses what its stage reads (`source=csv`, `model=lightgbm`).
DEFAULTS = (
    "_self_",
    "schema@schema",
    "features@features",
    "serving@serving",
    "rules@rules",
    {"source": None},
    {"model": None},
    {"tracking": None},
    {"override hydra/job_logging": "none"},
    {"override hydra/hydra_logging": "none"},
)
# DVC keeps what a stage writes and knows what it ran with: no folder of outputs for each run.
HYDRA = {"output_subdir": None, "run": {"dir": "."}}


@dataclass(kw_only=True)
class Base(Pipeline):
    """A pipeline, with the defaults list that every `pipeline.yaml` starts from."""

    defaults: List[Any] = field(default_factory=lambda: list(DEFAULTS))  # noqa: UP006
    hydra: Any = field(default_factory=lambda: dict(HYDRA))


def register() -> None:
    """Make `base` known to Hydra."""
    ConfigStore.instance().store(name="base", node=Base)
