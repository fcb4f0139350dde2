"""The folder that a Bento carries: the declaration, the winner and its history."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.declaration.features import feature_names
from headrace.errors import DataError
from headrace.models import read_manifest
from headrace.packaging.columns import request_columns
from headrace.packaging.history import take_history
from headrace.rules import names_read
from headrace.service.contents import CONTENTS, HISTORY, WINNER, Contents, Lineage, contents_json
from headrace.storage import digest, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.declaration.pipeline import PackageConfig


def write_contents(data: Path, config: PackageConfig, folder: Path) -> Contents:
    """Write the package's folder.

    Args:
        data: The pipeline's data folder: its winner, validated rows and registration.
        config: The declaration.
        folder: A folder that does not exist yet.

    Returns:
        What `package.json` says.

    Raises:
        IntegrityError: A file of the winner is missing, or is not the one that was written.
        DataError: The winner takes features that are not declared, there is no row that windows could look back on, or
            nothing is registered.
    """
    manifest, registration = read_manifest(data / WINNER), read_json(data / "registration.json")
    _check_features(manifest, config, data / WINNER)
    folder.mkdir(parents=True)
    shutil.copytree(data / WINNER, folder / WINNER)
    history = take_history(data / "validated", config.features, config.schema, config.target)
    until = None
    if history is not None:
        pq.write_table(history, folder / HISTORY, compression="zstd")
        until = pc.max(history[config.schema.timestamp]).as_py()
    asked = {
        *request_columns(config.features, config.schema, config.target),
        *names_read(config.rules, config.schema.columns),
        config.serving.log.subject,
    }
    contents = Contents(
        pipeline=config.pipeline,
        schema=config.schema,
        features=config.features,
        target=config.target,
        serving=config.serving,
        rules=config.rules,
        request=[name for name in config.schema.columns if name in asked],
        history_until=until,
        lineage=Lineage(
            candidate=manifest["candidate"],
            model=digest(data / WINNER),
            rows=digest(data / "validated"),
            registered=_registered(registration),
            decision=registration.get("decision"),
        ),
        files={
            file.relative_to(folder).as_posix(): digest(file) for file in sorted(folder.rglob("*")) if file.is_file()
        },
    )
    (folder / CONTENTS).write_text(contents_json(contents))
    return contents


def _check_features(manifest: dict[str, Any], config: PackageConfig, winner: Path) -> None:
    # DVC trains anew where a feature changes; who runs this stage alone would build a service that answers nothing.
    declared = set(feature_names(config.features))
    unknown = [each["name"] for each in manifest["features"] if each["name"] not in declared]
    if unknown:
        raise DataError(f"{winner}: takes features that features.yaml has not: {', '.join(unknown)}; run `dvc repro`")


def _registered(registration: dict[str, Any]) -> dict[str, str]:
    """Return the model's name and version in the registry; nothing where it was recorded and not registered."""
    if registration.get("version") is None:
        return {}
    return {"name": str(registration["model_name"]), "version": str(registration["version"])}
