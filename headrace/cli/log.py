"""`headrace log`: what those who hold the key do with a pipeline's prediction log.

Where the log is and its keys are told as the service is told: by `serving.yaml`, and HEADRACE_* over it. What is done
is written to the audit log: before answers are read, and after they were changed; before and after they are erased.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.names import Name, examples
from headrace.cli.settings import settings_of
from headrace.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.audit import Record
    from headrace.declaration.pipeline import PackageConfig
    from headrace.prediction_log import Store
    from headrace.service import Contents
    from headrace.service.settings import Settings

app = typer.Typer(help="The prediction log of a pipeline.", no_args_is_help=True)

ERASE_BEGUN, ERASED = "log.erase_begun", "log.erase"
"""What the audit log says before anything of a subject is deleted, and when it was shown to be gone."""
Since = Annotated[dt.datetime, typer.Option(help="Of answers given from then on, such as 2026-11-23T10:30:00, UTC.")]
Until = Annotated[dt.datetime, typer.Option(help="Of answers given before, such as 2026-11-24, UTC.")]


@app.command(epilog=examples("headrace log export fraud --since 2026-11-01 --until 2026-12-01 --out answers.parquet"))
def export(name: Name, since: Since, until: Until, out: Annotated[Path, typer.Option(help="A Parquet file.")]) -> None:
    """Write the answers from a moment on until before another one to a Parquet file, decrypted."""
    from headrace.audit import record
    from headrace.errors import ConfigError
    from headrace.prediction_log import export as write

    with opened(name) as (store, settings):
        if until <= since:
            raise ConfigError(f"--until: {until} is not after --since, {since}")
        record(settings.state, "log.export", {"since": str(since), "until": str(until), "out": str(out.absolute())})
        number = write(store, since.replace(tzinfo=dt.UTC), until.replace(tzinfo=dt.UTC), out)
        say(f"log {name}: {number} answers to {out}; they are not encrypted there")


@app.command(epilog=examples("headrace log erase fraud 596  # all that is known of customer 596"))
def erase(name: Name, subject: Annotated[str, typer.Argument(help="As the rows have it, such as 596.")]) -> None:
    """Delete all answers and outcomes of a subject, and its windows, and show that they are gone."""
    from headrace.audit import record
    from headrace.prediction_log import count_without_subject
    from headrace.prediction_log import erase as delete

    with opened(name) as (store, settings):
        nobodys = count_without_subject(store)
        declared = _declared(name)
        column = _subject_column(declared, settings, nobodys)
        value = _value_of(subject, column, declared.schema.columns[column].type)
        pseudonym = store.subject_hash(value).hex()
        unfinished = _unfinished(settings.state, pseudonym)
        for earlier in unfinished:
            number, time = earlier.details["entries"], earlier.time.isoformat(timespec="seconds")
            say(f"log {name}: a run of {time} began to erase {number} answers of it, and did not come to its end")

        def begin(number: int) -> None:
            # Before anything is deleted: afterwards nobody could tell what a run did that was interrupted.
            record(settings.state, ERASE_BEGUN, {"subject": pseudonym, "entries": number})
            forgotten = _forget(declared, settings, column, value)
            if forgotten is not None:
                say(f"log {name}: {forgotten} rows of {column} {subject} dropped from the windows")

        erased = delete(store, value, begin=begin, anew=bool(unfinished))
        record(settings.state, ERASED, {**dataclasses.asdict(erased), "unfinished_runs": len(unfinished)})
        say(f"log {name}: subject {erased.subject}: {erased.entries} answers and {erased.outcomes} outcomes erased")
        say(f"log {name}: a search for the subject finds {erased.remaining}; {erased.searched}")
        if nobodys:
            say(f"log {name}: {nobodys} answers have no subject; whether one of them is of this one cannot be told")


@app.command(epilog=examples("headrace log retain fraud  # once a day, say"))
def retain(name: Name) -> None:
    """Delete the answers that are older than serving.yaml's log.retention, with their outcomes."""
    from headrace.audit import record
    from headrace.prediction_log import apply_retention

    with opened(name) as (store, settings):
        keep = settings.log.retention
        number = apply_retention(store, dt.datetime.now(dt.UTC), keep)
        record(settings.state, "log.retain", {"keep": keep, "entries": number})
        say(f"log {name}: {number} answers older than {keep} deleted")


@app.command(epilog=examples("headrace log rotate fraud  # after a new key was put first"))
def rotate(name: Name) -> None:
    """Encrypt with the first key what an older one encrypted, so that the older one can be retired."""
    from headrace.audit import record
    from headrace.prediction_log import rotate as reseal

    with opened(name) as (store, settings):
        rotated = reseal(store)
        record(settings.state, "log.rotate", dataclasses.asdict(rotated))
        say(f"log {name}: {rotated.entries} answers encrypted anew, with key {rotated.key_id}")
        for key_id, number in rotated.remaining.items():
            say(f"log {name}: {number} came meanwhile by key {key_id}: give services the new key first, then run again")


@app.command(epilog=examples("headrace log show fraud 019a3c…  # by the request id that the answer has"))
def show(name: Name, request_id: str) -> None:
    """Print an answer that was given, with what was asked and what became of it."""
    import msgspec

    from headrace.audit import record

    with opened(name) as (store, settings):
        record(settings.state, "log.show", {"request_id": request_id})
        found = store.find(request_id)
        say(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _unfinished(state: Path, pseudonym: str) -> list[Record]:
    """Return the runs since a subject was last erased that began to, as the audit log has them."""
    from headrace.audit import audit_file, read_lines, read_record

    begun: list[Record] = []
    for said in map(read_record, read_lines(audit_file(state))[0]):
        if said is not None and said.details.get("subject") == pseudonym:
            begun = [*begun, said] if said.action == ERASE_BEGUN else []
    return begun


def _forget(declared: Contents | PackageConfig, settings: Settings, column: str, value: Any) -> int | None:
    """Drop a subject's rows from the windows; None where no window is of subjects."""
    from headrace.live import open_windows

    if column not in {window.entity or own for own, window in declared.features.windows.items()}:
        return None
    live = open_windows(settings.windows.url, declared)
    try:
        return live.forget(column, value)
    finally:
        live.close()


def _declared(name: str) -> Contents | PackageConfig:
    """Return the declaration that was packaged; where nothing was, as it is written now."""
    from headrace.config import compose
    from headrace.declaration.pipeline import PackageConfig
    from headrace.service import package_folder, read_contents

    folder = package_folder(name)
    return read_contents(folder) if folder.exists() else compose(Path("pipelines", name), [], PackageConfig)[0]


def _subject_column(declared: Contents | PackageConfig, settings: Settings, nobodys: int) -> str:
    """Return the column that says whose a row is."""
    from headrace.errors import ConfigError
    from headrace.service import Contents
    from headrace.service.settings import check_subject

    column = settings.log.subject
    if column is None:
        raise ConfigError(
            "serving.yaml: log.subject: is null, so that nobody is told whose answers are; name a column for those to "
            f"come. {nobodys} answers in the log have no subject, and cannot be found by one"
        )
    check_subject(column, declared.request if isinstance(declared, Contents) else declared.schema.columns)
    return column


def _value_of(text: str, column: str, kind: str) -> Any:
    """Return a subject as rows have it."""
    import msgspec

    from headrace.declaration.types import python_type
    from headrace.errors import ConfigError

    try:
        if kind == "integer":
            return msgspec.convert(text, Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], strict=False)
        if kind != "timestamp":
            return msgspec.convert(text, python_type(kind), strict=False)
        moment = dt.datetime.fromisoformat(text)  # msgspec would take a number for seconds since 1970
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):  # msgspec's errors are ValueErrors
        raise ConfigError(f"subject: {text!r} is no {kind}, as column '{column}' is") from None


@contextlib.contextmanager
def opened(name: str) -> Iterator[tuple[Store, Settings]]:
    """Yield a pipeline's log, and what is told of it; what goes wrong is said in a line."""
    from headrace.config import one_line_errors
    from headrace.errors import ConfigError
    from headrace.prediction_log import open_store, read_keys

    with one_line_errors():
        settings = settings_of(name)
        if (
            settings.log.keys is None and not settings.log.key_file.exists()
        ):  # a service makes one, who only looks does not
            raise ConfigError(f"{settings.log.key_file}: no such file; give the log's keys as HEADRACE_LOG__KEYS")
        store = open_store(settings.log.url, read_keys(settings.log.keys, settings.log.key_file), name)
        try:
            yield store, settings
        finally:
            store.close()
