"""Compose a pipeline's config as its stages do, where no stage runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hydra import compose as compose_with_hydra
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from headrace.config.origin import Origin
from headrace.config.reading import CONF, narrow, quoted_again, refuse_unknown, unlocked
from headrace.declaration.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

View = TypeVar("View")


def compose(folder: Path, overrides: Sequence[str], view: type[View]) -> tuple[View, Origin]:
    """Return what a stage would read, and where its keys were written.

    Args:
        folder: The pipeline's folder, such as `pipelines/fraud`.
        overrides: What stands on the command line of the stage.
        view: A dataclass of `headrace.declaration.pipeline`.

    Raises:
        ConfigError, HydraException: As in a stage.
    """
    cfg, origin = compose_all(folder, overrides)
    return narrow(cfg, view, origin), origin


def compose_all(folder: Path, overrides: Sequence[str]) -> tuple[DictConfig, Origin]:
    """Return the whole config, of which `narrow` makes what one stage or another would read."""
    search_path = f"hydra.searchpath=[file://{CONF}]"  # Hydra wants the primary config in its first folder.
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        composed = compose_with_hydra("pipeline", [search_path, *overrides], return_hydra_config=True)
    origin = Origin(folder, OmegaConf.to_container(composed.hydra.runtime.choices), list(overrides))  # type: ignore[arg-type]
    plain = unlocked(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))
    refuse_unknown(plain, Pipeline, origin)
    cfg = quoted_again(plain)
    cfg["pipeline"] = folder.name
    return cfg, origin
