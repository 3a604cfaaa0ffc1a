"""`stock`: what a shop shows and why, and showing it now."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import actor, opened, out, progress
from sync.cli.moving import channel_of
from sync.desk.phrases import Refusal
from sync.desk.stock import ArticleView, Ledger, PlaceView, explain, ledger_page, push_article, stock_channel
from sync.flows.pull import pull
from sync.rules.stock_systems import stock_systems
from sync.store.audit import record_audit
from sync.store.channels import start_channel
from sync.store.stock.items import KIND
from sync.work.runtime import Runtime
from sync.work.stock.drain import drain_stock
from sync.work.stock.run import run_stock

_PAGE = 200


@click.command()
@click.argument("channel")
@click.argument("sku", default="")
@click.option("--push", is_flag=True, help="Read the ERP and set the shop, now; of SKU, or of what changed.")
@click.option("--full", is_flag=True, help="With --push: every article, compared with what the shop really shows.")
@click.option("--stopped", is_flag=True, help="Only articles that need a person.")
def stock(channel: str, sku: str, *, push: bool, full: bool, stopped: bool) -> None:
    """What CHANNEL's shop shows of the ERP's stock; with SKU, the whole sum of it."""
    if full and (sku or not push):
        raise click.UsageError("--full goes with --push and without SKU")
    with opened() as runtime:
        name = channel_of(runtime, channel)
        try:
            stock_channel(runtime.config, name)
            if push:
                _push(runtime, name, sku, full=full)
            _show(runtime, name, sku, stopped=stopped)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal


def _push(runtime: Runtime, name: str, sku: str, *, full: bool) -> None:
    """In this process, so that it also works while nothing else runs."""
    if sku:
        push_article(runtime.store, runtime.config, name, sku, actor=actor())
    else:
        what = "push all stock" if full else "push stock"
        runtime.store.write(lambda c: record_audit(c, actor(), what, f"channel:{name}"))
        with progress("reading"):
            out.print(escape(run_stock(runtime, name, full=full, pull_orders=lambda: _pull(runtime, name))))
    systems = stock_systems(runtime.systems, name)
    more: list[tuple[str, str]] = [(name, KIND)]
    with progress("pushing"):
        while more:
            more.clear()
            drain_stock(runtime.store, runtime.config, systems, ring=lambda channel, kind: more.append((channel, kind)))


def _pull(runtime: Runtime, name: str) -> None:
    source = runtime.config.channels[name].source
    fed = runtime.config.channels_of_source(source)
    states = runtime.store.write(lambda c: [start_channel(c, each.name, each.policies.start_at) for each in fed])
    since = min(state.start_at for state in states)
    pull(runtime.store, runtime.systems.connector(source), source, [each.name for each in fed], since=since)
    for each in fed:
        runtime.bell.ring(each.name, "order")


# --- what is shown ----------------------------------------------------------------------------------------------


def _show(runtime: Runtime, name: str, sku: str, *, stopped: bool) -> None:
    if sku:
        found = explain(runtime.store, runtime.config, name, sku)
        if found is None:
            raise click.ClickException(
                f"{name} knows no article {sku!r}; `crossdock stock {name} {sku} --push` looks it up"
            )
        _explain(found)
        return
    table = Table("article", "in the ERP", "orders take", "safety", "available", "shop shows", "set", "state", "why")
    after = ""
    while True:
        page = ledger_page(runtime.store, runtime.config, name, after=after, stopped=stopped, limit=_PAGE)
        for view in page.articles:
            for place in view.places:
                table.add_row(*map(escape, _row(view, place)))
        after = page.next
        if not after:
            break
    if page.away is not None:
        out.print(f"the ERP could not be read since {page.away[1]:%Y-%m-%d %H:%M:%S} UTC: {escape(page.away[0])}")
    out.print(table)


def _row(view: ArticleView, place: PlaceView) -> list[str]:
    total, shown = place.sum, place.shown
    parts = (
        ["-"] * 4
        if total is None
        else [f"{each:f}" for each in (total.erp, total.captured, total.safety, total.available)]
    )
    return [
        view.article.sku + (f" at {place.name}" if place.name else ""),
        *parts,
        "-" if shown.seen is None else f"{shown.seen:f}",
        "-" if shown.pushed_at is None else f"{shown.pushed_at:%Y-%m-%d %H:%M:%S}",
        view.article.state,
        str(view.article.reason),
    ]


def _explain(page: Ledger) -> None:
    view, policy = page.articles[0], page.channel.stock
    for place in view.places:
        where = f" at {place.name}" if place.name else ""
        seen = "nothing that we know" if place.shown.seen is None else f"{place.shown.seen:f}"
        out.print(f"[bold]{escape(view.article.sku)}[/]: {escape(page.channel.source)} shows {seen}{escape(where)}")
        for level in place.levels:
            kept = "" if level.reserved is None else f" ({level.reserved:f} reserved, taken off already)"
            read = f"read {level.began_at:%Y-%m-%d %H:%M:%S} UTC"
            out.print(f"  + {level.quantity:f} in {escape(level.location)}{kept}, {read}")
        for line, does_count in place.lines:
            sign = "-" if does_count else " "
            why = (
                "the ERP has it, not read since" if line.reserved_at else f"not in the ERP's figure yet ({line.state})"
            )
            left_out = "" if does_count else ", does not count here"
            order = f"order {escape(line.number)} of {escape(line.channel)}"
            order += f" from {escape(line.location)}" if line.location else ""
            out.print(f"  {sign} {line.quantity:f} {order}: {why}{left_out}")
        if place.sum is None:
            out.print(f"  {escape(page.channel.erp)} says nothing of {escape(view.code)}")
            continue
        out.print(f"  - {place.sum.safety:f} safety stock")
        out.print(f"  = {place.sum.available:f} available")
        if policy.share != 100:  # noqa: PLR2004 - percent
            out.print(f"  x {policy.share:f} % share of this channel")
        if policy.cap is not None:
            out.print(f"  at most {policy.cap:f}")
        out.print(f"  -> {place.sum.figure:f} to be shown")
        if place.shown.pushed_at is not None:
            out.print(f"  last set to {place.shown.quantity:f} at {place.shown.pushed_at:%Y-%m-%d %H:%M:%S} UTC")
    if page.away is not None:
        out.print(f"the ERP could not be read since {page.away[1]:%Y-%m-%d %H:%M:%S} UTC: {escape(page.away[0])}")
    out.print(f"{view.article.state}: {escape(str(view.article.reason))}")
