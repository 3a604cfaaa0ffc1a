"""`retry`, `approve`, `reject`, `skip`, `pause`, `resume`, `lookup`: what people decide, each with its trace."""

from __future__ import annotations

import click

from mappings.canonical.records import OrderState
from sync.cli.console import actor, opened, out
from sync.cli.moving import channel_of
from sync.desk.steering import approve_order, reject_order, retry_again, retry_orders
from sync.store.audit import record_audit
from sync.store.issues import close_connection_issues
from sync.store.lookups import save_lookup
from sync.store.orders import StoredOrder, find_orders
from sync.store.switches import pause as pause_switch
from sync.store.switches import resume as resume_switch
from sync.work.runtime import Runtime


def _find(runtime: Runtime, numbers: tuple[str, ...]) -> list[StoredOrder]:
    """The orders that are meant. Raises click.ClickException for a number that names none or several."""
    targets = {channel.name: channel.erp for channel in runtime.config.channels.values()}
    found: list[StoredOrder] = []
    for number in numbers:
        orders = runtime.store.read(lambda c, number=number: find_orders(c, number, targets))  # type: ignore[misc]
        if not orders:
            raise click.ClickException(f"no order is known as {number!r}")
        if len({(order.channel, order.external_id) for order in orders}) > 1:
            names = ", ".join(f"{order.channel}:{order.number} (id {order.external_id})" for order in orders)
            raise click.ClickException(f"{number!r} names several orders: {names}; use the shop's id")
        found.append(orders[0])
    return found


def _ring(runtime: Runtime, orders: list[StoredOrder]) -> None:
    for channel in sorted({order.channel for order in orders}):
        runtime.bell.ring(channel, "order")


@click.command()
@click.argument("numbers", nargs=-1)
@click.option("--cause", help="Everything that stands in issues of this cause (see `crossdock status`).")
@click.option("--again", is_flag=True, help="The sale is gone in the ERP on purpose or by mistake: make a new one.")
def retry(numbers: tuple[str, ...], cause: str | None, *, again: bool) -> None:
    """Look at orders again, now."""
    if bool(numbers) == bool(cause):
        raise click.UsageError("say which: order numbers, or --cause")
    with opened() as runtime:
        if cause is not None:
            count = retry_orders(runtime.store, cause=cause, actor=actor())
            for channel in runtime.config.channels:
                runtime.bell.ring(channel, "order")
        else:
            orders = _find(runtime, numbers)
            change = retry_again if again else retry_orders
            count = change(runtime.store, orders=orders, actor=actor())
            _ring(runtime, orders)
        out.print(f"{count} orders will be looked at again")


@click.command()
@click.argument("number")
@click.option("--reason", required=True, help="Why it may pass; kept.")
def approve(number: str, reason: str) -> None:
    """Let an order pass what holds it, as long as its content stays what it is now."""
    with opened() as runtime:
        orders = _find(runtime, (number,))
        causes = approve_order(runtime.store, orders[0], actor=actor(), reason=reason)
        _ring(runtime, orders)
        out.print(f"approved: {', '.join(causes)}")


@click.command()
@click.argument("number")
@click.option("--reason", required=True, help="Why it is not to be imported; kept.")
def reject(number: str, reason: str) -> None:
    """Do not carry an order over. A later change in the shop is looked at again."""
    with opened() as runtime:
        orders = _find(runtime, (number,))
        if not reject_order(runtime.store, orders[0], actor=actor(), reason=reason):
            raise click.ClickException("the order is being worked on or looked up just now; try again in a moment")
        out.print(f"order {orders[0].number} is not carried over")


@click.command()
@click.argument("name", default="")
@click.option("--reason", default="paused by hand", help="Shown to everybody.")
def pause(name: str, reason: str) -> None:
    """Pause a connection or a channel by NAME; everything without one."""
    with opened() as runtime:
        scope = _scope(runtime, name)
        by = actor()
        runtime.store.write(lambda c: pause_switch(c, scope, name, reason, by=by.name))
        runtime.store.write(lambda c: record_audit(c, by, "pause", f"{scope}:{name}", reason=reason))
        out.print(f"paused: {name or 'everything'}")


@click.command()
@click.argument("name", default="")
def resume(name: str) -> None:
    """End a pause of a connection or a channel by NAME; of everything without one."""
    with opened() as runtime:
        scope = _scope(runtime, name)
        by = actor()
        if not runtime.store.write(lambda c: resume_switch(c, scope, name, by=by.name)):
            out.print(f"{name or 'everything'} was not paused")
            return
        runtime.store.write(lambda c: record_audit(c, by, "resume", f"{scope}:{name}"))
        if scope == "connection":
            runtime.store.write(lambda c: close_connection_issues(c, name, "connection"))
        for channel in runtime.config.channels:
            runtime.bell.ring(channel, "order")
        out.print(f"goes on: {name or 'everything'}")


def _scope(runtime: Runtime, name: str) -> str:
    if not name:
        return "all"
    if name in runtime.config.connections:
        return "connection"
    channel_of(runtime, name)
    return "channel"


@click.command()
@click.argument("table")
@click.argument("value")
@click.argument("target")
@click.option("--channel", help="Only for this channel.")
@click.option("--connection", help="Only for this ERP connection.")
def lookup(table: str, value: str, target: str, channel: str | None, connection: str | None) -> None:
    """Add or change a look-up row (TABLE sku, tax, country ...): VALUE of the shop is TARGET in the ERP.

    Releases every order that waits for it.
    """
    if table == "order_state" and target not in set(OrderState):
        raise click.UsageError(f"an order state is one of {', '.join(OrderState)}, not {target!r}")
    with opened() as runtime:
        scope = f"channel:{channel}" if channel else f"connection:{connection}" if connection else "global"
        by = actor()
        runtime.store.write(lambda c: save_lookup(c, table, scope, value, target, by=by.name))
        runtime.store.write(lambda c: record_audit(c, by, "lookup", f"{scope}:{table}:{value}", after=target))
        count = retry_orders(runtime.store, subject=f"{table}:{value}", actor=by)
        for name in runtime.config.channels:
            runtime.bell.ring(name, "order")
        out.print(f"{table} {value} -> {target}; {count} orders will be looked at again")


COMMANDS = (retry, approve, reject, pause, resume, lookup)
