"""BentoML's store of Bentos: `~/bentoml`, or where BENTOML_HOME says."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ConfigError, DataError
from headrace.packaging.staging import BENTOFILE
from headrace.service.privacy import track_nothing
from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCES = "src"
WRITTEN = (
    "README.md",
    "apis/openapi.yaml",
    "apis/schema.json",
    "bento.yaml",
    "env/docker/Dockerfile",
    "env/docker/entrypoint.sh",
    "env/python/requirements.txt",
    "src/bentofile.yaml",
)
"""What BentoML writes beside the sources."""


def build(staged: Path, tag: str, labels: Mapping[str, str], arguments: Mapping[str, Any]) -> Path:
    """Build a Bento of staged files into the store; one that stands there whole stays.

    Returns:
        The Bento's folder.

    Raises:
        ConfigError: BentoML cannot build from `bentofile.yaml`.
    """
    import bentoml

    track_nothing()
    found = _find(tag)
    if found and _was_built(found, staged):
        return found
    _discard(tag)
    name, _, version = tag.partition(":")
    try:
        built = bentoml.bentos.build_bentofile(
            str(staged / BENTOFILE),
            name=name,
            version=version,
            labels=dict(labels),
            build_ctx=str(staged),
            args=dict(arguments),
            reload=True,  # one process may build the Bentos of several pipelines
        )
    except ExceptionGroup as error:  # what BentoML reads its file with says all that is wrong at once
        raise ConfigError(f"{BENTOFILE}: {'; '.join(_messages(error))}") from error
    except bentoml.exceptions.BentoMLException as error:
        raise ConfigError(f"{BENTOFILE}: {str(error).splitlines()[0]}") from error
    return Path(built.path)


def bring(archive: Path, tag: str) -> bool:
    """Import an exported Bento into the store, if it is not there whole.

    Returns:
        Whether it was imported.

    Raises:
        DataError: The archive cannot be read, or is another Bento.
    """
    import bentoml

    track_nothing()
    found = _find(tag)
    try:
        if found and _was_imported(found, archive):
            return False
        _discard(tag)
        bento = bentoml.import_bento(str(archive.resolve()))
    except (
        OSError,
        EOFError,
        ValueError,
        lzma.LZMAError,
        tarfile.TarError,
        bentoml.exceptions.BentoMLException,
    ) as error:
        raise DataError(f"{archive}: no Bento ({error}); `dvc checkout` restores it") from error
    if str(bento.tag) != tag:
        raise DataError(f"{archive}: holds {bento.tag}, not {tag}; `dvc repro` makes it again")
    return True


def _messages(errors: ExceptionGroup[Exception]) -> Iterator[str]:
    for error in errors.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _messages(error)
        else:
            yield str(error)


def _find(tag: str) -> Path | None:
    """Return the folder of a Bento in the store; None where it is not there."""
    import bentoml

    try:
        return Path(bentoml.get(tag).path)
    except bentoml.exceptions.BentoMLException:
        return None


def _discard(tag: str) -> None:
    """Remove what a process that was killed has left of a Bento in the store."""
    import bentoml

    with contextlib.suppress(bentoml.exceptions.NotFound):
        bentoml.delete(tag)


def _was_built(bento: Path, staged: Path) -> bool:
    written = [bento / name for name in WRITTEN]
    if not all(file.is_file() and file.stat().st_size for file in written):
        return False
    packed = [file.relative_to(staged) for file in staged.glob("*/**/*") if file.is_file()]
    return all(_same(bento / SOURCES / name, staged / name) for name in packed)


def _was_imported(bento: Path, archive: Path) -> bool:
    with lzma.open(archive) as compressed, tarfile.open(fileobj=compressed) as files:
        return all(
            (bento / entry.name).is_file() and (bento / entry.name).stat().st_size == entry.size
            for entry in files
            if entry.isfile()
        )


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and one.stat().st_size == other.stat().st_size and digest(one) == digest(other)
