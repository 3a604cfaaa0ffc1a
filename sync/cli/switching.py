"""`pause`, `resume`, `lookup`: what people decide about connections, channels and values, each with its trace."""

from __future__ import annotations

import click

from sync.cli.console import actor, opened, out
from sync.desk.needs import LookupRow, RowRefused, add_lookup
from sync.desk.switching import pause_by_hand, resume_by_hand, scope_of
from sync.work.runtime import Runtime


def ring_all(runtime: Runtime) -> None:
    """Whatever was released of any channel need not wait for the dispatcher."""
    for channel in runtime.config.channels:
        runtime.bell.ring(channel, "order")


@click.command()
@click.argument("name", default="")
@click.option("--reason", default="paused by hand", help="Shown to everybody.")
def pause(name: str, reason: str) -> None:
    """Pause a connection or a channel by NAME; everything without one."""
    with opened() as runtime:
        pause_by_hand(runtime.store, _scope(runtime, name), name, actor=actor(), reason=reason)
        out.print(f"paused: {name or 'everything'}")


@click.command()
@click.argument("name", default="")
def resume(name: str) -> None:
    """End a pause of a connection or a channel by NAME; of everything without one."""
    with opened() as runtime:
        if not resume_by_hand(runtime.store, _scope(runtime, name), name, actor=actor()):
            out.print(f"{name or 'everything'} was not paused")
            return
        ring_all(runtime)
        out.print(f"goes on: {name or 'everything'}")


def _scope(runtime: Runtime, name: str) -> str:
    try:
        return scope_of(runtime.config, name)
    except LookupError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error


@click.command()
@click.argument("table")
@click.argument("value")
@click.argument("target")
@click.option("--channel", help="Only for this channel.")
@click.option("--connection", help="Only for this ERP connection.")
@click.option("--reason", default="", help="Kept with the change.")
def lookup(*, table: str, value: str, target: str, channel: str | None, connection: str | None, reason: str) -> None:
    """Add or change a look-up row (TABLE sku, tax, country ...): VALUE of the shop is TARGET in the ERP.

    Releases every order that waits for it.
    """
    scope = f"channel:{channel}" if channel else f"connection:{connection}" if connection else "global"
    row = LookupRow(table, value, target, scope)
    with opened() as runtime:
        try:
            release = add_lookup(runtime.store, runtime.config, row, actor=actor(), reason=reason).release
        except RowRefused as error:
            raise click.UsageError(str(error)) from error
        ring_all(runtime)
        goes, stays = release.goes.documents, release.stays.documents
        out.print(f"{table} {value} -> {target}; {goes + stays} orders will be looked at again")
        if stays:
            out.print(f"{stays} of them are still stopped by another cause")


COMMANDS = (pause, resume, lookup)
