"""Which orders somebody means at the terminal, and with which mapping."""

from __future__ import annotations

import click

from sync.store.orders import StoredOrder, find_orders
from sync.store.pins import Using
from sync.work.runtime import Runtime

using_option = click.option(
    "--mapping",
    "using",
    type=click.Choice([Using.CURRENT.value, Using.ORIGINAL.value]),
    default=Using.CURRENT.value,
    show_default=True,
    callback=lambda _context, _option, value: Using(value),
    help="With which revision of the mapping profile: what applies, or what applied when each order came in.",
)


def find(runtime: Runtime, numbers: tuple[str, ...]) -> list[StoredOrder]:
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
