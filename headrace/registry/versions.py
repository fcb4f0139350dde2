"""The registered model of a pipeline: its versions are winners, its aliases say who serves and who would like to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.declaration.modelling import TaskName
from headrace.errors import IntegrityError, TrackingError
from headrace.models import load, read_manifest
from headrace.registry.opening import without_secrets
from headrace.registry.runs import CANDIDATE, DIGEST
from headrace.storage import digest
from headrace.tasks import read_task

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from headrace.models import LoadedModel
    from headrace.registry.opening import Store

CHAMPION, CHALLENGER = "champion", "challenger"
MODEL = "headrace.model"
ALIAS = "headrace.alias"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    name: str
    number: int
    digest: str
    """Of its folder."""
    answers: str
    """What `answers` says of its manifest."""
    admitted: str | None
    """The alias that it was given when it was registered."""

    @classmethod
    def of(cls, version: ModelVersion) -> Registered:
        """Read what MLflow says of a version."""
        tags = version.tags
        return cls(version.name, int(version.version), tags.get(DIGEST, ""), tags.get(MODEL, ""), tags.get(ALIAS))


def answers(manifest: dict[str, Any]) -> str:
    """Return a digest of all that a model's answer depends on: its files, what it takes, and its threshold.

    Two winners with the same one are the same model, however they were judged.
    """
    keys = ("files", "features", "negative_weight", "threshold")
    said = [manifest.get(key) for key in keys]
    if (
        read_task(manifest).name is not TaskName.binary
    ):  # what was registered before there were other tasks keeps its name
        said += [manifest["task"], manifest.get("class_weights")]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def find_alias(store: Store, name: str, alias: str) -> Registered | None:
    """Return the version that has an alias."""
    from mlflow.exceptions import MlflowException

    try:
        number = store.client.get_registered_model(name).aliases.get(alias)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return None if number is None else Registered.of(store.client.get_model_version(name, str(number)))


def find_model(store: Store, name: str, winner: Path) -> Registered | None:
    """Return the version that is the same model as a winner's folder, the first of them."""
    model = answers(read_manifest(winner))
    found = store.client.search_model_versions(f"name = '{name}' and tags.`{MODEL}` = '{model}'")
    return min((Registered.of(version) for version in found), key=lambda each: each.number, default=None)


def add(store: Store, name: str, winner: Path, run_id: str) -> Registered:
    """Register a winner's folder as it is, if its model is not there yet.

    Args:
        store: MLflow.
        name: The registered model.
        winner: The winner's folder.
        run_id: The run of its candidate, which keeps its files.
    """
    found = find_model(store, name, winner)
    if found is not None:
        return found
    manifest, sha256 = read_manifest(winner), digest(winner)
    _make_model(store, name)
    place = f"winner/{sha256}"
    store.client.log_artifacts(run_id, str(winner), place)
    tags = {DIGEST: sha256, MODEL: answers(manifest), CANDIDATE: manifest["candidate"]}
    version = store.client.create_model_version(name, f"runs:/{run_id}/{place}", run_id, tags=tags)
    return Registered.of(version)


def admit(store: Store, version: Registered, alias: str) -> None:
    """Give a version an alias; the tag says that this was done, so that no sync does it again after a rollback."""
    store.client.set_registered_model_alias(version.name, alias, str(version.number))
    store.client.set_model_version_tag(version.name, str(version.number), ALIAS, alias)


def download(store: Store, version: Registered, folder: Path) -> LoadedModel:
    """Bring a version's files to an empty folder, and load the model if they are the ones that were registered.

    Raises:
        IntegrityError: They are not.
        TrackingError: They cannot be read.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    name = f"models:/{version.name}/{version.number} at {without_secrets(store.tracking.uri)}"
    if not version.digest:
        raise IntegrityError(
            f"{name}: it has no tag {DIGEST}, so Headrace did not register it; give its alias to a version that has one"
        )
    source = store.client.get_model_version_download_uri(version.name, str(version.number))
    uri = store.tracking.uri
    try:
        brought = Path(download_artifacts(source, dst_path=str(folder), tracking_uri=uri, registry_uri=uri))
    except (MlflowException, OSError) as error:
        message = f"{name}: its files cannot be read; put them back or give the alias to another version"
        raise TrackingError(message) from error
    found = digest(brought)
    if found != version.digest:
        raise IntegrityError(
            f"{name}: its files have the digest {found}, the tag {DIGEST} says {version.digest}; put the files back or "
            "give the alias to another version"
        )
    return load(brought)


def _make_model(store: Store, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        store.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
