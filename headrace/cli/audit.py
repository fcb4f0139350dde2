"""`headrace audit`: what was done to a pipeline's service, by whom, and whether that is all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.names import Name, examples
from headrace.cli.settings import settings_of
from headrace.console import say

if TYPE_CHECKING:
    from headrace.audit import Head

app = typer.Typer(help="The audit log of a pipeline's service.", no_args_is_help=True)


@app.command(epilog=examples("headrace audit show fraud --last 20"))
def show(
    name: Name, last: Annotated[int | None, typer.Option(min=1, help="So many lines; all, if left out.")] = None
) -> None:
    """Print what was done, oldest first. Whether it was altered, `headrace audit verify` says."""
    from headrace.audit import audit_file, read_lines, read_record
    from headrace.config import one_line_errors

    with one_line_errors():
        lines, _ = read_lines(audit_file(settings_of(name).state))
    first = 0 if last is None else max(len(lines) - last, 0)
    for number, line in enumerate(lines[first:], start=first + 1):
        found = read_record(line)
        if found is None:
            say(f"{number}  is no line of an audit log: {line[:80]!r}")
            continue
        details = json.dumps(found.details, ensure_ascii=True, sort_keys=True)
        say(f"{found.sequence}  {found.time:%Y-%m-%d %H:%M:%S}Z  {ascii(found.actor)[1:-1]}  {found.action}  {details}")


@app.command(
    epilog=examples(
        "headrace audit verify fraud  # note the head that it prints elsewhere",
        "headrace audit verify fraud --head 12:9f2c…  # hold the log against it later",
    )
)
def verify(
    name: Name,
    head: Annotated[
        str | None, typer.Option(help="An earlier head that was noted elsewhere, as verify prints it.")
    ] = None,
) -> None:
    """Find whether a line was changed, removed, added or moved; print the head, to be noted elsewhere."""
    from headrace.audit import audit_file
    from headrace.audit import verify as check
    from headrace.config import one_line_errors

    with one_line_errors():
        noted = None if head is None else _noted(head)
        found = check(audit_file(settings_of(name).state), noted)
    for remark in found.remarks:
        say(f"audit {name}: {remark}")
    lines = found.head.sequence
    say(f"audit {name}: {lines} lines, none of them altered; head {lines}:{found.head.sha256}")


def _noted(text: str) -> Head:
    from headrace.audit import Head
    from headrace.errors import ConfigError

    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == 64):
        raise ConfigError(f"--head: is '{text}'; write <lines>:<SHA-256>, as `headrace audit verify` prints it")
    return Head(int(number), digest)
