"""`retry`, `approve`, `reject`: what people decide about orders, each with its trace."""

from __future__ import annotations

import click

from sync.cli.console import actor, opened, out
from sync.cli.switching import ring_all
from sync.desk.bulk import start_for_cause
from sync.desk.steering import approve_order, reject_order, retry_again, retry_orders
from sync.store.orders import StoredOrder, find_orders
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
    """Look at orders again, now; all of a cause in pieces, so that new orders are not delayed."""
    if bool(numbers) == bool(cause):
        raise click.UsageError("say which: order numbers, or --cause")
    with opened() as runtime:
        if cause is not None:
            runs = start_for_cause(runtime.store, cause, actor=actor())
            ring_all(runtime)
            count = sum(run.expected for run in runs)
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


COMMANDS = (retry, approve, reject)
