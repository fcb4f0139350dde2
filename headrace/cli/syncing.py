"""MLflow and the Bento store, brought to what DVC holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config import compose
from headrace.declaration.pipeline import RegisterConfig
from headrace.packaging import sync as bring_bento
from headrace.registry import sync as bring_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def sync(pipelines: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a line for each thing that was missing and is there now.

    Args:
        pipelines: The pipelines of `params.yaml`, with their choices.
    """
    for name, chosen in pipelines.items():
        data = Path("data", name)
        config, _ = compose(Path("pipelines", name), [f"tracking={chosen['tracking']}"], RegisterConfig)
        for line in bring_runs(name, data, config.tracking):
            yield f"{name}: {line}"
        tag = bring_bento(data)
        if tag:
            yield f"{name}: the Bento {tag} is in the store"
