"""`headrace token`: who may ask a pipeline's service. What is done is written to its audit log."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.names import Name, examples, request_scopes
from headrace.cli.settings import settings_of
from headrace.console import say

if TYPE_CHECKING:
    from headrace.access import Scope, Token

app = typer.Typer(help="The tokens of a pipeline's service.", no_args_is_help=True)

COLUMNS = ("id", "holder", "scopes", "requests a second", "created", "expires")


@app.command(
    epilog=examples(
        "headrace token create fraud checkout --scope predict --scope outcomes",
        "headrace token create fraud trial --scope predict --rate 5 --expires 30d",
    )
)
def create(
    name: Name,
    holder: Annotated[str, typer.Argument(help="Who will have it, such as checkout.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it is good for: predict, outcomes, admin. May be repeated.", autocompletion=request_scopes
        ),
    ],
    rate: Annotated[float | None, typer.Option(help="Requests a second, instead of serving.yaml's.")] = None,
    expires: Annotated[str | None, typer.Option(help="After how long, such as 90d; never, if left out.")] = None,
) -> None:
    """Make a token and print it, this once: a service that runs takes it within a second."""
    from headrace.access import create as make
    from headrace.audit import record
    from headrace.config import one_line_errors
    from headrace.declaration.durations import microseconds

    with one_line_errors():
        settings = settings_of(name)
        lifetime = None if expires is None else dt.timedelta(microseconds=microseconds(expires))
        scopes = [_scope(each) for each in scope]
        token, text = make(settings.access.token_file, holder, scopes, requests_per_second=rate, lifetime=lifetime)
        record(settings.state, "token.create", _said(token))
    say(f"token {name}: {token.id} for {holder}: {', '.join(token.scopes)}; {_end(token)}. It is shown this once:")
    say(text)


@app.command("list", epilog=examples("headrace token list fraud"))
def show(name: Name) -> None:
    """Show the tokens there are, without their secrets."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from headrace.access import read_tokens
    from headrace.config import one_line_errors

    with one_line_errors():
        settings = settings_of(name)
        tokens = read_tokens(settings.access.token_file)
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for token in tokens:
        rate = token.requests_per_second or settings.access.requests_per_second
        scopes, created = ", ".join(token.scopes), f"{token.created:%Y-%m-%d}"
        # What people wrote is no markup.
        table.add_row(*(Text(cell) for cell in (token.id, token.name, scopes, f"{rate:g}", created, _end(token))))
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


@app.command(epilog=examples("headrace token revoke fraud 0a1b2c3d  # the id that list shows"))
def revoke(name: Name, token_id: Annotated[str, typer.Argument(metavar="ID", help="As list shows it.")]) -> None:
    """End a token: a service that runs refuses it within a second."""
    from headrace.access import revoke as end
    from headrace.audit import record
    from headrace.config import one_line_errors

    with one_line_errors():
        settings = settings_of(name)
        token = end(settings.access.token_file, token_id)
        record(settings.state, "token.revoke", _said(token))
    say(f"token {name}: {token.id} of {token.name} is revoked")


def _scope(text: str) -> Scope:
    from headrace.access import Scope
    from headrace.errors import ConfigError
    from headrace.words import known

    if text not in set(Scope):
        raise ConfigError(f"--scope: '{text}' is none; {known(text, Scope)}")
    return Scope(text)


def _said(token: Token) -> dict[str, Any]:
    """Return what the audit log says of a token."""
    return {
        "id": token.id,
        "holder": token.name,
        "scopes": list(token.scopes),
        "requests_per_second": token.requests_per_second,
        "expires": token.expires,
    }


def _end(token: Token) -> str:
    if token.expires is None:
        return "does not expire"
    word = "expired" if token.is_expired(dt.datetime.now(dt.UTC)) else "expires"
    return f"{word} {token.expires:%Y-%m-%d %H:%M} UTC"
