"""`status`, `orders`, `order`: what stands where, and why."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import opened, out
from sync.cli.moving import channel_of
from sync.desk.passport import passport
from sync.desk.status import status_of
from sync.store.orders import StoredOrder, list_orders
from sync.work.vitals import look_once

_NEEDS_YOU = {"held", "parked"}


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """One true sentence, then every channel, connection, schedule and open issue."""
    with opened() as runtime:
        snapshot = status_of(runtime.store, runtime.config, look_once(runtime.settings, runtime.config))
    if as_json:
        _print_json(snapshot.to_json())
        return
    out.print(escape(snapshot.sentence))
    table = Table("channel", "ready", "in work", "to reconcile", "waiting", "needs you", "skipped", "done")
    for channel in snapshot.home.channels:
        counts = channel.counts
        needs = counts.get("held", 0) + counts.get("parked", 0)
        names = ("ready", "leased", "reconcile", "waiting")
        row = [str(counts.get(name, 0)) for name in names]
        table.add_row(channel.name, *row, str(needs), str(counts.get("skipped", 0)), str(counts.get("done", 0)))
    out.print(table)
    for connection in snapshot.home.connections:
        for reason in connection.reasons:
            out.print(f"{connection.name} ({connection.condition}): {escape(str(reason))}")
    for entry in snapshot.pauses:
        until = f" until {entry.until:%Y-%m-%d %H:%M:%S} UTC" if entry.until else ""
        out.print(f"paused: {entry.scope} {entry.name}{until}: {escape(entry.reason)}")
    if snapshot.issues:
        issues = Table("issue", "cause", "orders", "owner", "what to do")
        for issue in snapshot.issues:
            row = [escape(issue.title), issue.cause, str(issue.documents), issue.owner, escape(issue.next_step)]
            issues.add_row(*row)
        out.print(issues)


@click.command()
@click.option("--channel", help="Only this channel.")
@click.option("--state", help="Only this state: ready, reconcile, waiting, held, parked, skipped, done.")
@click.option("--needs-you", is_flag=True, help="Only what a person must decide.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def orders(channel: str | None, state: str | None, *, needs_you: bool, as_json: bool) -> None:
    """List orders."""
    with opened() as runtime:
        names = [channel_of(runtime, channel)] if channel else sorted(runtime.config.channels)
        found = [
            order
            for name in names
            for order in runtime.store.read(
                lambda c, name=name: list_orders(c, name, runtime.config.channels[name].erp)  # type: ignore[misc]
            )
            if (state is None or order.state == state) and (not needs_you or order.state in _NEEDS_YOU)
        ]
    if as_json:
        for order in found:
            _print_json(_order_json(order))
        return
    table = Table("channel", "order", "placed", "total", "state", "ERP", "why")
    for order in found:
        table.add_row(
            order.channel,
            escape(order.number),
            f"{order.placed_at:%Y-%m-%d %H:%M}",
            f"{order.grand} {order.currency}" if order.id else "not read",
            order.state,
            order.erp_number or order.erp_id or "",
            escape(order.reason[:120]),
        )
    out.print(table)


def _order_json(order: StoredOrder) -> dict[str, Any]:
    return {
        "channel": order.channel,
        "external_id": order.external_id,
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "grand": f"{order.grand:f}" if order.id else None,
        "source_state": order.source_state,
        "state": order.state,
        "reason": order.reason,
        "erp_id": order.erp_id,
        "erp_number": order.erp_number,
        "erp_total": order.erp_total,
    }


@click.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--exchanges", is_flag=True, help="With every request and response (redacted).")
def order(number: str, *, as_json: bool, exchanges: bool) -> None:
    """Everything about one order, by any of its numbers."""
    with opened() as runtime:
        found = passport(runtime.store, runtime.config, number, exchanges=exchanges)
    if not found:
        raise click.ClickException(
            f"no order, sale or id {number!r} is known; `crossdock pull CHANNEL` looks for new ones"
        )
    for entry in found:
        if as_json:
            _print_json(entry)
        else:
            _print_passport(entry)


def _print_passport(entry: dict[str, Any]) -> None:
    out.print(f"[bold]order {escape(entry['number'])}[/] of {entry['channel']} (id {escape(entry['external_id'])})")
    out.print(
        f"  placed {entry['placed_at']}, {entry['grand']} {entry['currency']}, the shop says {entry['source_state']}"
        if entry["order"] is not None
        else f"  first seen {entry['placed_at']}; it could not be read"
    )
    out.print(f"  state {entry['state']}: {escape(_first_line(entry['reason']) or 'in order')}")
    if entry["erp_id"]:
        out.print(f"  in the ERP as {escape(entry['erp_number'] or entry['erp_id'])}, {entry['erp_total']}")
    for cause in entry["causes"]:
        out.print(f"  stopped by {cause['cause']}: {escape(cause['title'])}")
        for detail in cause["details"]:
            path = f"{detail['path']}: " if detail["path"] else ""
            # A reason may bring a table along.
            out.print(escape(textwrap.indent(path + detail["reason"], "    ")))
        out.print(f"    next: {escape(cause['next_step'])}")
    for line in entry["timeline"]:
        out.print(f"  {line['at']}  {line['what']}  {escape(_first_line(line['text']))}")


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


COMMANDS = (status, orders, order)
