"""`crossdock match ...`: customers who might be several records of another system, and the word that decides."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Final

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import actor, opened, out
from sync.cli.switching import ring_all
from sync.desk.matches import Blocked, MatchDetail, decide_match, match_detail, match_page, undo_match
from sync.desk.matches_told import detail_to_json, match_to_json
from sync.desk.phrases import Refusal
from sync.rules.matching import COMPARED
from sync.store.matches import Answer, Match
from sync.work.runtime import Runtime

_MOST: Final = 1000
_id = click.argument("number", metavar="ID", type=click.IntRange(1, 2**63 - 1))
_reason = click.option("--reason", default="", help="Kept with the decision.")


@click.group()
def match() -> None:
    """Customers who might be several records of the ERP; each match has an ID, which `list` shows."""


@contextlib.contextmanager
def _opened() -> Iterator[Runtime]:
    with opened() as runtime:
        try:
            yield runtime
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None


@match.command(name="list")
@click.option("--connection", default="", help="Only those of this connection.")
@click.option("--decided", is_flag=True, help="Those that somebody has decided.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="So many at most.")
@click.option("--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Behind the match with this ID.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(*, connection: str, decided: bool, limit: int, after: int, as_json: bool) -> None:
    """List the matches that wait for a person, the oldest first."""
    with _opened() as runtime:
        page = match_page(
            runtime.store, runtime.config, connection, decided=decided, after=after, before=None, limit=limit
        )
    if as_json:
        for one, blocked in page.entries:
            _print_json(match_to_json(one, blocked))
        return
    table = Table("id", "connection", "customer", "known by", "records", "orders", "worth", "decided")
    for one, blocked in page.entries:
        row = (one.connection, one.customer.name, one.key, str(len(one.candidates)), str(blocked.orders))
        table.add_row(str(one.id), *map(escape, (*row, _worth(blocked), _decision(one))))
    out.print(table)
    if page.next is not None:
        out.print(f"more: --after {page.next}")


@match.command()
@_id
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(number: int, *, as_json: bool) -> None:
    """Show one match: the customer, each record beside them, and the orders that wait."""
    with _opened() as runtime:
        detail = match_detail(runtime.store, runtime.systems, number)
    if detail is None:
        raise click.ClickException(f"there is no match {number}")
    if as_json:
        _print_json(detail_to_json(detail))
        return
    _print_detail(detail)


def _print_detail(detail: MatchDetail) -> None:
    one = detail.match
    state = "open" if one.is_open else _decision(one)
    out.print(escape(f"match {one.id}, {state}: {one.customer.name} in {one.connection}, known by {one.key}"))
    if one.why:
        out.print(escape(f"  {one.why}"))
    heads = [f"{each.candidate.id} {each.candidate.code}".strip() for each in detail.candidates]
    table = Table("", "the customer", *map(escape, heads))
    for name in COMPARED:
        cells = [str(getattr(each.candidate, name)) for each in detail.candidates]
        marks = ["=" if name in each.same else "≠" if name in each.different else "" for each in detail.candidates]
        told = [f"{mark} {cell}".strip() for mark, cell in zip(marks, cells, strict=True)]
        if any((getattr(one.customer, name), *cells)):
            table.add_row(name.replace("_", " "), *map(escape, (str(getattr(one.customer, name)), *told)))
    out.print(table)
    for each in detail.candidates:
        if each.page:
            out.print(escape(f"  {each.candidate.id}: {each.page}"), soft_wrap=True)
    if detail.blocked.orders:
        out.print(escape(f"  {detail.blocked.orders} order(s) wait for it, worth {_worth(detail.blocked)}"))
    for order in detail.orders:
        out.print(escape(f"    {order.channel} {order.number or order.external_id}: {order.reason}"))
    for entry in detail.history:
        out.print(escape(f"  {entry.at:%Y-%m-%d %H:%M} {entry.actor}: {entry.action} {entry.after or entry.before}"))


@match.command()
@_id
@click.option("--is", "chosen", default="", metavar="RECORD", help="The customer is this record of the other system.")
@click.option("--apart", is_flag=True, help="The customer is none of them.")
@_reason
def decide(number: int, chosen: str, *, apart: bool, reason: str) -> None:
    """Decide one match, for all orders of the customer, and let those go that wait for it."""
    if apart == bool(chosen):
        raise click.UsageError("say either --is RECORD or --apart")
    with _opened() as runtime:
        answer = Answer.APART if apart else Answer.SAME
        done = decide_match(runtime.store, runtime.config, number, answer, chosen, actor=actor(), reason=reason)
        if done.released.orders:
            ring_all(runtime)
    out.print(escape(f"decided: {done.match.customer.name} is {'none of them' if apart else chosen}"))
    out.print(f"{done.released.orders} order(s) are looked at again")


@match.command()
@_id
@_reason
def undo(number: int, *, reason: str) -> None:
    """Take a decision back: later orders of the customer wait for a person again."""
    with _opened() as runtime:
        one = undo_match(runtime.store, number, actor=actor(), reason=reason)
    out.print(escape(f"taken back: {one.customer.name} is asked for again; what was carried over stays"))


def _decision(one: Match) -> str:
    if one.is_open:
        return ""
    said = "kept apart" if one.answer == Answer.APART else f"is {one.chosen}"
    return f"{said} ({one.decided_by}, {one.decided_at:%Y-%m-%d})"


def _worth(blocked: Blocked) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in blocked.money.items())


def _print_json(value: Mapping[str, object]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
