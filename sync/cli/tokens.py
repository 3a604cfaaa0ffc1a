"""`crossdock token ...`: what programs may call the JSON API with."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator, Sequence

import click
from rich.markup import escape
from rich.table import Table

from config.logging import configure_logging
from config.settings import Settings
from sync.cli.console import actor, err, out
from sync.desk import tokens
from sync.desk.tokens import SCOPES, TokenRefused
from sync.rules.systems import read_config
from sync.store.engine import Store
from sync.store.migrate import demand_schema


@click.group()
def token() -> None:
    """Tokens of programs that call the JSON API."""


@contextlib.contextmanager
def _opened() -> Iterator[tuple[Settings, Store]]:
    """The database alone: a token is revoked also where the configuration cannot be read."""
    settings = Settings.from_env()
    configure_logging(settings, "cli", stream=sys.stderr)
    store = Store.open(settings.database_url.reveal())
    try:
        demand_schema(store)
        yield settings, store
    except TokenRefused as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()


@token.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(list(SCOPES)), help="May be given again."
)
@click.option("--channel", "channels", multiple=True, help="Only this channel; may be given again.")
@click.option("--days", type=click.IntRange(1, tokens.MAX_DAYS), help="How long it is good; without, until revoked.")
def add(name: str, scopes: Sequence[str], channels: Sequence[str], days: int | None) -> None:
    """Make a token called NAME, by which the audit knows it. It is shown this once."""
    with _opened() as (settings, store):
        known = read_config(settings).channels if channels else ()
        made = tokens.make_token(store, name, scopes, actor=actor(), channels=channels, known=known, days=days)
        err.print("The token, shown this once:")
        click.echo(made)


@token.command(name="list")
def list_() -> None:
    """List the tokens, those that are revoked too."""
    with _opened() as (_settings, store):
        found = tokens.list_tokens(store)
    table = Table("name", "begins with", "may", "channels", "by", "good until", "last used")
    for one in found:
        until = f"revoked {_at(one.revoked_at)}" if one.revoked_at else _at(one.expires_at) or "it is revoked"
        used = _at(one.used_at) or "never"
        who = escape(one.created_by)
        table.add_row(one.name, f"{one.hint}...", one.scopes, one.channels or "all", who, until, used)
    out.print(table)


def _at(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


@token.command()
@click.argument("name")
def revoke(name: str) -> None:
    """End a token: its next call is refused."""
    with _opened() as (_settings, store):
        tokens.revoke_token(store, name, actor=actor())
        out.print(f"{escape(name)} is revoked")
