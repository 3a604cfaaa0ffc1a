"""`purge` and `erase`: what is old is deleted, and whoever asks for it."""

from __future__ import annotations

import time

import click
from rich.markup import escape

from sync.cli.console import actor, err, opened, out, progress
from sync.desk.erasing import NotErased, erase_customer, traces_of
from sync.store.audit import record_audit
from sync.work.purging import days_of, purge, recount_issues, told


@click.command(name="purge")
def purge_command() -> None:
    """Delete what is older than CROSSDOCK_KEEP_*_DAYS now, as the scheduler does every night.

    Only of what is finished, a piece at a time, while everything runs; it may be stopped at any time. What is counted
    of issues is counted anew and put right, as at night.
    """
    with opened() as runtime:
        runtime.store.write(lambda c: record_audit(c, actor(), "purge", "database"))

        def rest(seconds: float) -> bool:
            time.sleep(seconds)
            return False

        with progress("counting"):
            differed = recount_issues(runtime.store)
        with progress("deleting"):
            removed = purge(runtime.store, days_of(runtime.settings), rest=rest)
    out.print(escape(told(removed)))
    if differed:
        out.print(f"of issues, {differed.documents} orders and {differed.sums} sums differed and were put right")


@click.command()
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do it; without, only what it would touch is shown.")
def erase(customer: str, *, yes: bool) -> None:
    """Take CUSTOMER (an e-mail address, or the key of the party in the ERP) out of everything that is kept here.

    The accounts stay: numbers, totals, ids and states of their orders. Shop and ERP are to be asked by yourself. There
    is no way back, and backups that were made before still have it all.
    """
    with opened() as runtime:
        try:
            if yes:
                found = erase_customer(runtime.store, runtime.config, customer, actor=actor())
            else:
                found = traces_of(runtime.store, customer)
        except NotErased as error:
            raise click.ClickException(str(error)) from error
    for order in found.orders:
        still = ", still open" if order.is_open else ""
        total = f"{order.grand} {order.currency}"
        out.print(escape(f"order {order.number} of {order.channel}, {order.placed_on}, {total}: {order.state}{still}"))
    done = "erased from" if yes else "would be erased from"
    out.print(f"{done} {len(found.orders)} orders, {len(found.payloads)} payloads, {len(found.calls)} records of calls")
    if not yes and (found.orders or found.payloads or found.calls):
        err.print("Nothing was changed: `--yes` does it.")
