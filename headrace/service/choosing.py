"""The pipeline that `--arg pipeline=churn` chooses, else the first one of params.yaml. A Bento remembers its own."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import bentoml
import yaml
from bentoml._internal.container import BentoMLContainer
from bentoml.exceptions import InvalidArgument
from pydantic import BaseModel

from headrace.errors import ConfigError, HeadraceError
from headrace.service.building import make_service
from headrace.service.contents import package_folder, read_contents
from headrace.service.importing import import_for_serving
from headrace.service.privacy import track_nothing
from headrace.service.settings import read_settings
from headrace.service.worker import check_stores


class Arguments(BaseModel):
    """What `--arg` takes."""

    pipeline: str | None = None


def chosen_service() -> Any:
    """Return the BentoML service of the chosen pipeline.

    Raises:
        InvalidArgument: Its package cannot be served, or the environment says what it may not: BentoML says its own
            exceptions in a line.
    """
    track_nothing()
    try:
        pipeline = bentoml.use_arguments(Arguments).pipeline or first_pipeline()
        # BentoML imports from the repository's root, or from the folder `src` of a Bento.
        folder = package_folder(pipeline).resolve()
        import_for_serving(folder)
        service = make_service(folder)
        if sys.argv[1:2] == ["serve"]:
            # Said once in a line, and not by each worker that BentoML starts again and again.
            contents = read_contents(folder)
            check_stores(contents, read_settings(contents.serving, contents.pipeline))
            count_apart()
    except HeadraceError as error:
        raise InvalidArgument(str(error)) from error
    return service


def first_pipeline() -> str:
    """Return the first pipeline of `params.yaml`."""
    try:
        return str(next(iter(yaml.safe_load(Path("params.yaml").read_text())["pipelines"])))
    except (OSError, yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
        raise ConfigError("name the pipeline, such as --arg pipeline=fraud: params.yaml names none") from error


def count_apart() -> None:
    """Count in a folder of this service's own: BentoML's is one for all of a machine, and whoever starts empties it."""
    folder = tempfile.mkdtemp(prefix="headrace-metrics-")
    BentoMLContainer.prometheus_multiproc_dir.set(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
