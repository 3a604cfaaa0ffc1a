"""`crossdock user ...`: who may sign in to the console."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import click
from rich.markup import escape
from rich.table import Table

from config.logging import configure_logging
from config.settings import Settings
from sync.cli.console import actor, err, out
from sync.desk import accounts
from sync.desk.accounts import ROLES, AccountRefused
from sync.store.engine import Store
from sync.store.migrate import demand_schema

_role = click.Choice(ROLES)
_generate = click.option("--generate", is_flag=True, help="Make a password and show it once.")


@click.group()
def user() -> None:
    """Users of the console."""


@contextlib.contextmanager
def _store() -> Iterator[Store]:
    """The database alone: the first user is made before there is a configuration that works."""
    settings = Settings.from_env()
    configure_logging(settings, "cli", stream=sys.stderr)
    store = Store.open(settings.database_url.reveal())
    try:
        demand_schema(store)
        yield store
    except AccountRefused as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()


def _password(*, generate: bool) -> str:
    """A made one, a typed one, or the first line of what is piped in."""
    if generate:
        return accounts.new_password()
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _show(password: str, *, generate: bool) -> None:
    if generate:
        err.print("The password, shown this once:")
        click.echo(password)


@user.command()
@click.argument("login")
@click.option("--role", type=_role, required=True, help="What the user may do; each role includes those before it.")
@_generate
def add(login: str, role: str, *, generate: bool) -> None:
    """Add a user. The password is asked for, read from stdin, or made."""
    with _store() as store:
        password = _password(generate=generate)
        name = accounts.add_user(store, login, password, role, actor=actor())
        err.print(f"{name} may sign in as {role}")
        _show(password, generate=generate)


@user.command(name="list")
def list_() -> None:
    """List the users."""
    with _store() as store:
        found = accounts.list_users(store)
    table = Table("login", "role", "may sign in", "last sign-in")
    for one in found:
        last = f"{one.signed_in_at:%Y-%m-%d %H:%M} UTC" if one.signed_in_at else "never"
        table.add_row(one.login, one.role, "yes" if one.active else "no", last)
    out.print(table)


@user.command()
@click.argument("login")
@_generate
def password(login: str, *, generate: bool) -> None:
    """Give a user a new password; it signs the user out everywhere."""
    with _store() as store:
        new = _password(generate=generate)
        accounts.set_password(store, login, new, actor=actor())
        err.print(f"{accounts.normal_login(login)} has a new password and is signed out everywhere")
        _show(new, generate=generate)


@user.command()
@click.argument("login")
@click.argument("role", type=_role)
def role(login: str, role: str) -> None:
    """Change what a user may do, from the next click on."""
    with _store() as store:
        accounts.set_role(store, login, role, actor=actor())
        out.print(f"{accounts.normal_login(login)} is {role}")


@user.command()
@click.argument("login")
@click.option("--undo", is_flag=True, help="Let the user sign in again.")
def disable(login: str, *, undo: bool) -> None:
    """Let a user not sign in any more; every session ends at once."""
    with _store() as store:
        accounts.set_active(store, login, active=undo, actor=actor())
        name = accounts.normal_login(login)
        out.print(f"{name} may sign in again" if undo else f"{name} is disabled and signed out everywhere")


@user.command()
@click.argument("login")
@click.option("--end", is_flag=True, help="Sign the user out everywhere.")
def sessions(login: str, *, end: bool) -> None:
    """Show where a user is signed in, or end it."""
    with _store() as store:
        if end:
            count = accounts.end_sessions(store, login, actor=actor())
            out.print(f"{count} sessions ended")
            return
        found = accounts.sessions_of(store, login)
    table = Table("from", "browser", "signed in", "last used")
    for one in found:
        table.add_row(
            one.address, escape(one.agent), f"{one.created_at:%Y-%m-%d %H:%M}", f"{one.seen_at:%Y-%m-%d %H:%M} UTC"
        )
    out.print(table)
