"""`purge`: what is old is deleted."""

from __future__ import annotations

import time

import click
from rich.markup import escape

from sync.cli.console import actor, opened, out, progress
from sync.store.audit import record_audit
from sync.work.purging import days_of, purge, told


@click.command(name="purge")
def purge_command() -> None:
    """Delete what is older than CROSSDOCK_KEEP_*_DAYS now, as the scheduler does every night.

    Only of what is finished, a piece at a time, while everything runs; it may be stopped at any time.
    """
    with opened() as runtime:
        runtime.store.write(lambda c: record_audit(c, actor(), "purge", "database"))

        def rest(seconds: float) -> bool:
            time.sleep(seconds)
            return False

        with progress("deleting"):
            removed = purge(runtime.store, days_of(runtime.settings), rest=rest)
    out.print(escape(told(removed)))


COMMANDS = (purge_command,)
