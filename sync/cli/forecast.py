"""`forecast`: what no look-up row and no ERP knows of a shop's orders, before an order is stopped by it."""

from __future__ import annotations

import shlex

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import opened, out, progress
from sync.cli.moving import channel_of
from sync.desk.forecast import DAYS, Forecast, Gap, forecast
from sync.rules.patterns import escaped


@click.command("forecast")
@click.argument("channel")
@click.option("--days", type=click.IntRange(1, 3650), default=DAYS, show_default=True, help="How far back.")
@click.option("--shop/--no-shop", default=None, help="Read the shop's newest orders too; alone where none are stored.")
def forecast_(channel: str, *, days: int, shop: bool | None) -> None:
    """Values in the orders of CHANNEL that no look-up row covers and the ERP does not know, before they stop one.

    Nothing is written. What comes close is suggested with the command that takes it: nothing takes it by itself.
    """
    with opened(dry_run=True) as runtime:
        name = channel_of(runtime, channel)
        with progress("reading"):
            found = forecast(runtime.store, runtime.systems.channel(name), days=days, shop=shop)
        _show(found)


def _show(found: Forecast) -> None:
    read = f"{found.orders} orders of the last {found.days} days"
    read += f", {found.in_shop} of them read in the shop" if found.in_shop else ""
    if not found.gaps:
        out.print(f"{read}: every value is known")
        return
    shown = Table("table", "value", "stops", "orders", "worth", "for example")
    for gap in found.gaps:
        worth = ", ".join(f"{amount:,f} {currency}" for currency, amount in gap.money.items())
        value = f"{gap.value} (a row says {gap.mapped})" if gap.mapped else gap.value
        value += f" ({' / '.join(gap.facts)})" if gap.facts else ""
        cells = (gap.table, value, "yes" if gap.stops else "no", str(gap.orders), worth, ", ".join(gap.examples))
        shown.add_row(*map(escape, cells))
    out.print(shown)
    stopping = sum(gap.stops for gap in found.gaps)
    out.print(f"{read}: {len(found.gaps)} values are not known, {stopping} of them would stop orders")
    for gap in found.gaps:
        for suggestion in gap.suggestions[:1]:
            out.print(escape(f"{suggestion.likeness}% alike: {_command(found, gap, suggestion.target)}"))


def _command(found: Forecast, gap: Gap, target: str) -> str:
    words = ("crossdock", "lookup", "set", gap.table, escaped(gap.value), target, "--channel", found.channel)
    return shlex.join(words)
