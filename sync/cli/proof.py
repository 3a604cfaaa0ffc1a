"""`proof`: shop = Crossdock = ERP, from fresh lists at this moment."""

from __future__ import annotations

import datetime as dt
import json
import sys
import textwrap
from collections.abc import Sequence

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync.cli.console import opened, out, progress
from sync.cli.moving import MOMENT, aware, channel_of
from sync.desk.proof import ChannelProof, proof_to_json, prove_channel
from sync.rules.comparison import Difference, Group


@click.command()
@click.argument("channels", nargs=-1)
@click.option("--since", type=MOMENT, help="Orders placed from here on (default: go-live, at most 30 days ago).")
@click.option("--until", type=MOMENT, help="Orders placed before (default: now).")
@click.option("--json", "as_json", is_flag=True, help="One JSON list: an object per channel, currency and day.")
def proof(channels: tuple[str, ...], since: dt.datetime | None, until: dt.datetime | None, *, as_json: bool) -> None:
    """Prove that shop, Crossdock and ERP agree; exit status 1 where they do not.

    Both outer columns come from fresh lists over HTTP. Held orders, those that are too young and those that a person
    left out are explained differences; every other one makes the proof fail. What was given back in the window is
    proven the same way, refund by refund, where the channel carries refunds over.
    """
    with opened() as runtime:
        names = [channel_of(runtime, name) for name in channels] or sorted(runtime.config.channels)
        with progress("listing both sides", len(names)) as (bar, task):
            proofs = []
            for name in names:
                proofs.append(prove_channel(runtime.store, runtime.systems.channel(name), aware(since), aware(until)))
                bar.advance(task)
    if as_json:
        click.echo(json.dumps([entry for each in proofs for entry in proof_to_json(each)], ensure_ascii=False))
    else:
        for each in proofs:
            show_proof(out, each)
    sys.exit(0 if all(each.holds for each in proofs) else 1)


def show_proof(console: Console, each: ChannelProof) -> None:
    """The tables of orders and of refunds, the sums of fees, and every difference with its ids."""
    title = f"{each.channel}: {each.since:%Y-%m-%d %H:%M} to {each.until:%Y-%m-%d %H:%M} UTC"
    console.print(_table(title, each.groups))
    if each.refunds:
        console.print(_table(f"{each.channel}: given back", each.refunds))
    for sums in each.fees or ():
        shop, booked = f"{sums.shop_count:,}  {sums.shop_total:,f}", f"{sums.booked_count:,}  {sums.booked_total:,f}"
        console.print(f"  gateway fees {sums.day} {sums.currency}: shop {shop}, booked {booked}", markup=False)
    for difference in each.differences:
        ids = f"shop id {difference.shop_id or '-'}, ERP id {', '.join(difference.erp_ids) or '-'}"
        console.print(
            f"  {difference.kind} ({difference.where}): order {escape(difference.number)} [{ids}]", markup=False
        )
        console.print(textwrap.indent(difference.detail, "    "), markup=False)
    verdict = "[bold green]the proof holds[/]" if each.holds else "[bold red]the proof does not hold[/]"
    explained = sum(1 for difference in each.differences) if each.holds else 0
    console.print(f"{each.channel}: {verdict}" + (f"; {explained} differences, all explained" if explained else ""))


def _table(title: str, groups: Sequence[Group]) -> Table:
    table = Table(title=title)
    for heading in ("day", "", "shop", "Crossdock", "ERP"):
        # A sum that is cut short proves nothing.
        table.add_column(heading, justify="right" if heading in {"shop", "Crossdock", "ERP"} else "left", no_wrap=True)
    table.add_column("differences")
    for group in groups:
        table.add_row(group.day, group.currency, *_sides([group]), _said(group.differences))
    for currency in sorted({group.currency for group in groups}):
        days = [group for group in groups if group.currency == currency]
        if len(days) > 1:
            differences = [difference for group in days for difference in group.differences]
            table.add_section()
            table.add_row("all days", currency, *_sides(days), _said(differences))
    return table


def _sides(groups: Sequence[Group]) -> list[str]:
    """Count and money of shop, Crossdock and ERP, over these days of one currency."""
    sides = zip(*((group.shop, group.crossdock, group.erp) for group in groups), strict=True)
    return [f"{sum(side.count for side in days):,}  {sum(side.total for side in days):,f}" for days in sides]


def _said(differences: Sequence[Difference]) -> str:
    kinds = [str(difference.kind) for difference in differences]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "none"
