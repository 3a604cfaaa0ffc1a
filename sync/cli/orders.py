"""`status`, `orders`, `order`: what stands where, and why."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import opened, out
from sync.cli.facets import print_facets, save_files
from sync.cli.lineage import tell_lineage
from sync.cli.moving import MOMENT, aware, channel_of
from sync.cli.naming import find
from sync.desk.files import files_of_order
from sync.desk.lineage import lineage_of
from sync.desk.orders import TABS, Tab, every_order
from sync.desk.passport import passport
from sync.desk.status import status_of
from sync.desk.versions import changed_by_shop
from sync.rules.corrections import told
from sync.store.listed import Listed
from sync.store.orders import StoredOrder
from sync.store.search import Wanted
from sync.store.states import ItemState
from sync.work.rehearse import DryRunReport
from sync.work.rehearse import dry_run as rehearsed
from sync.work.runtime import Runtime
from sync.work.vitals import look_once


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)


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
        until = f" until {connection.until:%Y-%m-%d %H:%M:%S} UTC" if connection.until else ""
        for reason in connection.reasons:
            out.print(f"{connection.name} ({connection.condition}{until}): {escape(str(reason))}")
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
@click.argument("search", default="")
@click.option("--channel", help="Only this channel.")
@click.option("--state", type=click.Choice([state.value for state in ItemState]), help="Only this state.")
@click.option("--needs-you", is_flag=True, help="Only what a person must decide.")
@click.option("--cause", default="", help="Only what this cause stops (see `crossdock status`).")
@click.option("--assignee", default="", help="Only what this login cares for; `-` for what nobody does.")
@click.option("--overdue", is_flag=True, help="Only what was due before today (UTC).")
@click.option("--since", type=MOMENT, help="Placed from here on (UTC unless a zone is given).")
@click.option("--until", type=MOMENT, help="Placed before.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def orders(
    search: str,
    channel: str | None,
    state: str | None,
    *,
    needs_you: bool,
    cause: str,
    assignee: str,
    overdue: bool,
    since: dt.datetime | None,
    until: dt.datetime | None,
    as_json: bool,
) -> None:
    """List orders, oldest first: all, or those that SEARCH means.

    SEARCH is a number or an id in any system, an e-mail address, a SKU, or the beginning of a customer's name.
    """
    with opened() as runtime:
        wanted = Wanted(
            text=search.strip(),
            channel=channel_of(runtime, channel) if channel else "",
            states=TABS[Tab.NEEDS] if needs_you else (ItemState(state),) if state else (),
            cause=cause,
            since=aware(since),
            until=aware(until),
            assignee=assignee,
            due_before=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}" if overdue else "",
        )
        found = every_order(runtime.store, runtime.config, wanted, descending=False)
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
                "not read" if order.grand is None else f"{order.grand:f} {order.currency}",
                order.state,
                escape(order.erp_number or order.erp_id),
                escape(order.reason[:120]),
            )
    out.print(table)


def _order_json(order: Listed) -> dict[str, Any]:
    return {
        "channel": order.channel,
        "external_id": order.external_id,
        "number": order.number,
        "customer": order.customer,
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "grand": None if order.grand is None else f"{order.grand:f}",
        "source_state": order.source_state,
        "state": order.state,
        "reason": order.reason,
        "causes": list(order.causes),
        "erp_id": order.erp_id or None,
        "erp_number": order.erp_number or None,
        "erp_total": order.erp_total or None,
    }


@click.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--exchanges", is_flag=True, help="With every request and response (redacted).")
@click.option("--dry-run", is_flag=True, help="What the next drain would send for it; nothing is sent or changed.")
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), help="Write the files of its invoices into this folder."
)
@click.option("--changes", is_flag=True, help="What the shop itself has changed of it last, field by field.")
@click.option(
    "--lineage",
    metavar="[FIELD]",
    is_flag=False,
    flag_value="",
    help="Where its fields came from, those of the ERP as erp.FIELD: all of them, or FIELD with its parts.",
)
def order(
    number: str,
    *,
    as_json: bool,
    exchanges: bool,
    dry_run: bool,
    changes: bool,
    save: Path | None,
    lineage: str | None,
) -> None:
    """Everything about one order, by any of its numbers."""
    with opened() as runtime:
        if lineage is not None:
            _print_lineage(runtime, number, lineage, as_json=as_json)
            return
        if save is not None:
            for meant in find(runtime, (number,)):
                for path in save_files(save, files_of_order(runtime.store, meant)):
                    out.print(escape(str(path)))
            return
        if changes or dry_run:
            for meant in find(runtime, (number,)):
                (_print_changes if changes else _print_dry_run)(runtime, meant, as_json=as_json)
            return
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


def _print_dry_run(runtime: Runtime, order: StoredOrder, *, as_json: bool) -> None:
    print_dry_run(rehearsed(runtime.store, runtime.systems, order), as_json=as_json)


def _print_changes(runtime: Runtime, order: StoredOrder, *, as_json: bool) -> None:
    found = changed_by_shop(runtime.store, runtime.config, order)
    if as_json:
        _print_json(None if found is None else found.to_json())
    elif found is None:
        out.print("the shop has changed nothing of it, as far as its words are kept")
    else:
        before, after = (f"{each.received_at:%Y-%m-%d %H:%M}" for each in (found.before, found.after))
        out.print(f"between {before} and {after} UTC:")
        for change in found.changes:
            out.print(escape(f"  {change}: {told(change.before)} -> {told(change.after)}"))
        if found.more:
            out.print(f"  and {found.more} more")


def _print_lineage(runtime: Runtime, number: str, field: str, *, as_json: bool) -> None:
    for meant in find(runtime, (number,)):
        systems = runtime.systems.channel(meant.channel)
        tell_lineage(lineage_of(runtime.store, systems, meant, field=field), field=field, as_json=as_json)


def _print_passport(entry: dict[str, Any]) -> None:
    out.print(f"[bold]order {escape(entry['number'])}[/] of {entry['channel']} (id {escape(entry['external_id'])})")
    out.print(
        f"  placed {entry['placed_at']}, {entry['grand']} {entry['currency']}, "
        f"the shop says {escape(entry['source_state'])}"
        if entry["order"] is not None
        else f"  first seen {entry['placed_at']}; it could not be read"
    )
    out.print(f"  state {entry['state']}: {escape(_first_line(entry['reason']) or 'in order')}")
    if entry["erp_id"]:
        for sale in entry["sales"]:
            out.print(f"  in the ERP as {escape(sale['number'] or sale['erp_id'])}, {sale['total']}")
    if route := entry["routing"]:
        read = f" (stock read {route['read_at']})" if route["read_at"] else ""
        out.print(f"  sent from {escape(', '.join(route['warehouses']))}: {escape(route['reason'])}{read}")
    for line in _mapping_lines(entry["mapping"]):
        out.print(f"  {line}")
    for cause in entry["causes"]:
        out.print(f"  stopped by {cause['cause']}: {escape(cause['title'])}")
        for detail in cause["details"]:
            path = f"{detail['path']}: " if detail["path"] else ""
            # A reason may bring a table along.
            out.print(escape(textwrap.indent(path + detail["reason"], "    ")))
        out.print(f"    next: {escape(cause['next_step'])}")
    _print_after(entry)
    if decided := entry["rejected"]:
        said = f"left out by {decided['by']} at {decided['at']}: {decided['reason']}; `crossdock retry` takes it back"
        out.print(f"  {escape(said)}")
    following = entry["next"]
    when = f" ({following['at']})" if following["at"] else ""
    paused = f"; paused: {escape(following['paused'])}" if following["paused"] else ""
    out.print(f"  next: {following['text']}{when}{paused}")
    for line in entry["timeline"]:
        out.print(f"  {line['at']}  {line['what']}  {escape(_first_line(line['text']))}")


def _print_after(entry: dict[str, Any]) -> None:
    """What came of it, and what of that its customer's account shows."""
    if entry["after_import"]:
        print_facets(entry["after_import"])
    if told := entry["crm"]:
        out.print(f"  {escape(_crm(told))}")


def _crm(told: dict[str, Any]) -> str:
    """What the CRM was told of the customer, or why it was not."""
    who = f"account {told['account_name'] or told['account_id']}" if told["account_id"] else "no account"
    when = f", told at {told['told_at']}" if told["told_at"] else ""
    entries = f", entries of the order: {told['entries']}" if told["entries"] is not None else ""
    if told["entries_from"]:
        entries += f" (placed before {told['entries_from']})"
    stands = f"{who}{when}{entries}: {told['state']} {_first_line(told['reason'])}"
    return f"customer in {told['connection']}: {stands}".rstrip()


def _mapping_lines(mapping: dict[str, Any]) -> Iterator[str]:
    """By which revision of the mapping profile it was made, and will be; nothing where there is only one."""
    if made := mapping["revision"]:
        yield f"mapped by revision {made['number']}, published at {made['published_at']}"
    if (pinned := mapping["pinned"]) is not None:
        yield f"stays with {_revision(pinned)} until it is done; `crossdock retry` ends that"
    elif (original := mapping["original"]) is not None:
        yield f"came in with {_revision(original)}; `crossdock retry --mapping original` uses that"


def _revision(number: int) -> str:
    return f"revision {number}" if number else "the mapping of the configuration"


def print_dry_run(report: DryRunReport, *, as_json: bool) -> None:
    """What would be sent, with every body; or all of it as JSON."""
    if as_json:
        _print_json(report.to_json())
        return
    out.print(escape(str(report.verdict)))
    if report.route:
        out.print(f"  sent from {escape(report.route)}")
    for path, reason in report.problems:
        out.print(escape(textwrap.indent(f"{path}: {reason}" if path else reason, "  ")))
    for call in report.calls:
        out.print(f"  [bold]{call.method}[/] {escape(call.url)}")
        out.print(escape(textwrap.indent(_pretty(call.request_body), "    ")))
    if report.unseen:
        out.print("What only the ERP could say:")
    for text in report.unseen:
        out.print(f"  {escape(str(text))}")


def _pretty(body: str) -> str:
    """JSON with one field a line; anything else as it is, a body that was cut among it."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
