"""`rewind`: pull a connection again from a date on."""

from __future__ import annotations

import datetime as dt

import click

from sync.cli.console import actor, err, opened, out, progress
from sync.cli.moving import MOMENT, aware
from sync.desk.connections import CannotRewind, RewindPreview, preview_rewind
from sync.desk.connections import rewind as rewind_connection


@click.command()
@click.argument("connection")
@click.option("--to", "moment", type=MOMENT, required=True, help="Pull from here on (UTC unless a zone is given).")
@click.option("--reason", default="", help="Why; kept.")
@click.option("--yes", is_flag=True, help="Go back without asking.")
def rewind(connection: str, moment: dt.datetime, reason: str, *, yes: bool) -> None:
    """Have the next pull of CONNECTION start at a date: everything changed since then is read again.

    Harmless as often as you like: what says nothing new marks nothing, and no order is made twice.
    """
    to = aware(moment)
    assert to is not None
    if to > dt.datetime.now(dt.UTC):
        raise click.BadParameter("it lies ahead: what changes until then would never be read", param_hint="--to")
    with opened() as runtime:
        try:
            with progress("counting what the shop lists since then"):
                preview = preview_rewind(runtime.store, runtime.systems, connection, to)
            err.print(told(preview), markup=False)
            if not yes and not click.confirm("go back?", err=True):
                raise click.Abort
            rewind_connection(runtime.store, runtime.systems, connection, to, actor=actor(), reason=reason)
        except CannotRewind as error:
            raise click.ClickException(str(error)) from None
        out.print(
            f"{connection} is pulled from {to:%Y-%m-%d %H:%M} UTC on, as soon as the scheduler looks", markup=False
        )


def told(preview: RewindPreview) -> str:
    """The preview in words."""
    least = "at least " if preview.more else ""
    unknown = preview.listed - preview.known
    before = f"read up to {preview.before:%Y-%m-%d %H:%M} UTC" if preview.before else "never read"
    return (
        f"{preview.connection} is {before}. Placed since {preview.moment:%Y-%m-%d %H:%M} UTC: {least}{preview.listed} "
        f"orders, {preview.known} of them known here, {unknown} not. Older ones that were changed since come too."
    )
