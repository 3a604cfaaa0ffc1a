"""`crossdock issue ...`: what stops orders, cause by cause; looked into, cared for, and released once for all."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import actor, opened, out
from sync.cli.moving import MOMENT, aware, channel_of
from sync.cli.naming import using_option
from sync.cli.switching import ring_all
from sync.desk import issue_life as life
from sync.desk.bulk import MOST_PER_MINUTE, Progress, approve_all, cancel_bulk, progress_of, start_bulk
from sync.desk.causes import title_of
from sync.desk.issue_life import IssueState
from sync.desk.needs import Need, NeedDetail, NeedFilter, chosen, find_need, list_needs, need_detail
from sync.desk.needs_told import detail_to_json, document_to_json, need_to_json, run_to_json
from sync.desk.phrases import Refusal
from sync.desk.remedies import remedies_of
from sync.store.audit import Actor
from sync.store.bulk import BulkRun
from sync.store.engine import Store
from sync.store.needs import Document, Figures
from sync.store.pins import Using
from sync.work.runtime import Runtime

#: Orders of an issue that are shown, unless more are asked for.
_SHOWN: Final = 20
_id = click.argument("number", metavar="ID", type=click.IntRange(1, 2**63 - 1))
_pace = click.option(
    "--per-minute",
    type=click.IntRange(1, MOST_PER_MINUTE),
    help="So many orders a minute at most; without, as fast as they are worked off.",
)


@click.group()
def issue() -> None:
    """Causes that stop orders; each has an ID, which `list` shows."""


@contextlib.contextmanager
def _opened() -> Iterator[Runtime]:
    with opened() as runtime:
        try:
            yield runtime
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None


# --- looking ----------------------------------------------------------------------------------------------------


@issue.command(name="list")
@click.option(
    "--state", type=click.Choice([state.value for state in IssueState]), help="Without: open, and not put aside."
)
@click.option("--owner", type=click.Choice(["business", "integrator", "admin"]), help="Who can end it.")
@click.option("--channel", help="Only this channel.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--cause", default="", help="Only this kind of cause.")
@click.option("--assignee", default="", metavar="LOGIN", help="Who cares for it; - for nobody.")
@click.option(
    "--sort", default="documents", type=click.Choice(["documents", "money", "oldest", "seen"]), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(state: str | None, owner: str | None, channel: str | None, *, as_json: bool, **how: str) -> None:
    """List the causes that stop orders, those that stop most first."""
    with _opened() as runtime:
        name = channel_of(runtime, channel) if channel else ""
        which = NeedFilter(state=state or "", owner=owner or "", channel=name, **how)
        found = chosen(list_needs(runtime.store, closed=which.state == IssueState.RESOLVED), which)
    if as_json:
        for need in found:
            _print_json(need_to_json(need))
        return
    table = Table("id", "state", "issue", "channel", "orders", "worth", "owner", "cared for by")
    for need in found:
        about = need.issue
        row = [_title(need), about.channel, str(need.figures.documents), _worth(need.figures), about.owner, _care(need)]
        table.add_row(str(about.id), need.state.value, *map(escape, row))
    out.print(table)


@issue.command()
@_id
@click.option("--orders", type=click.IntRange(0, 1000), default=_SHOWN, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(number: int, orders: int, *, as_json: bool) -> None:
    """Show one cause: what to do, what its end releases, what was said, and its orders; also one that is over."""
    with _opened() as runtime:
        detail = need_detail(runtime.store, number, limit=max(1, orders))
        if detail is None:
            raise _none(number)
        run = None if detail.need.run is None else progress_of(runtime.store, detail.need.run.id)
        policies = [(each.key, each.now) for each in remedies_of(runtime.store, runtime.config, detail.need).policies]
    documents = detail.documents[:orders]
    if as_json:
        told = [document_to_json(one) for one in documents]
        _print_json({**detail_to_json(detail), "run": None if run is None else run_to_json(run), "orders": told})
        return
    _print_need(detail)
    for key, now in policies:
        _say(f"  decided by {key}" + (f", now {now}" if now else ""))
    if run is not None:
        _say(f"  {_course(run)}")
    for comment in detail.comments:
        _say(f"  {_time(comment.at)} {comment.by}: {comment.text}")
    for one in documents:
        _print_document(one)
    left = detail.need.issue.documents - len(documents)
    if left > 0 and detail.closed_at is None:
        _say(f"  and {left} more: --orders, or `crossdock orders --cause {detail.need.issue.cause}`")


def _print_need(detail: NeedDetail) -> None:
    need, about = detail.need, detail.need.issue
    where = ", ".join(filter(None, (about.channel, about.connection)))
    _say(f"issue {about.id}, {need.state.value}: {_title(need)}" + (f" ({where})" if where else ""))
    _say(f"  {need.words.happened}")
    _say(f"  next, for {about.owner}: {need.remedy}")
    if need.lookup is not None:
        _say(f"  the look-up row that mends it: crossdock lookup {need.lookup[0]} {shlex.quote(need.lookup[1])} TARGET")
    stands = f"{need.figures.documents} orders stand still, worth {_worth(need.figures) or 'nobody knows how much'}"
    _say(f"  {stands if need.figures.documents else 'nothing stands still'}")
    if detail.release.stays.documents:
        _say(f"  {detail.release.stays.documents} of them another cause stops as well")
    _say(f"  cared for by {_care(need) or 'nobody'}")
    since = f"since {_time(about.opened_at)}, last seen {_time(about.seen_at)}"
    _say(f"  {since}" + (f", over {_time(detail.closed_at)}" if detail.closed_at else ""))


def _print_document(one: Document) -> None:
    total = "not read" if one.grand is None else f"{one.grand:f} {one.currency}"
    _say(f"  {one.channel} {one.number or one.external_id}: {one.state}, {total}, since {_time(one.since)}")
    for detail in document_to_json(one)["details"]:
        path = f"{detail['path']}: " if detail["path"] else ""
        _say(textwrap.indent(path + detail["reason"], "    "))


# --- caring -----------------------------------------------------------------------------------------------------


def _change(number: int, change: Callable[[Store, Actor], None], done: str) -> None:
    with _opened() as runtime:
        _demand(runtime, number)
        change(runtime.store, actor())
    _say(f"issue {number} {done}")


@issue.command()
@_id
def acknowledge(number: int) -> None:
    """Say that somebody knows of it."""
    _change(number, lambda store, who: life.acknowledge(store, number, actor=who), "is known")


@issue.command()
@_id
@click.option("--until", type=MOMENT, help="Until then (UTC unless a zone is given).")
@click.option("--grows-by", type=int, metavar="N", help="Until N orders more stand in it.")
def snooze(number: int, until: dt.datetime | None, grows_by: int | None) -> None:
    """Put it aside: until a time, until it has grown, or until what comes first of both."""
    moment = aware(until)
    moment = None if moment is None else moment.astimezone(dt.UTC)
    told = [f"until {_time(moment)}"] if moment else []
    told += [f"until {grows_by} orders more stand in it"] if grows_by is not None else []
    done = f"is put aside {' or '.join(told)}"
    _change(number, lambda store, who: life.snooze(store, number, until=moment, grows_by=grows_by, actor=who), done)


@issue.command()
@_id
def wake(number: int) -> None:
    """Let it wait no longer."""
    _change(number, lambda store, who: life.wake(store, number, actor=who), "waits no longer")


@issue.command()
@_id
@click.argument("login", default="")
@click.option("--due", default="", metavar="DAY", help="By which day, such as 2026-11-30.")
def assign(number: int, login: str, due: str) -> None:
    """Say who cares for it, and by when; without LOGIN nobody does."""
    done = f"is cared for by {login or 'nobody'}" + (f", by {due}" if due else "")
    _change(number, lambda store, who: life.assign(store, number, assignee=login, due_on=due, actor=who), done)


@issue.command()
@_id
@click.argument("text")
def comment(number: int, text: str) -> None:
    """Say something about it, also when it is over; it is kept with your name, and not changed later."""
    _change(number, lambda store, who: life.comment_issue(store, number, text, actor=who), "has your comment")


# --- releasing --------------------------------------------------------------------------------------------------


def _release(number: int, begin: Callable[[Store, Actor], tuple[BulkRun, bool]], does: str) -> None:
    with _opened() as runtime:
        _demand(runtime, number)
        run, new = begin(runtime.store, actor())
        ring_all(runtime)
    if not new:
        _say(f"run {run.id} of {run.asked_by} goes already: {run.released} of {run.expected} orders")
        return
    _say(f"run {run.id}: {run.expected} orders {does}; `crossdock issue show {number}` says how it goes")


@issue.command()
@_id
@click.option("--reason", default="", help="Why; kept.")
@_pace
@using_option
def retry(number: int, reason: str, per_minute: int | None, using: Using) -> None:
    """Look at everything again that it stops, in pieces and behind new orders."""

    def begin(store: Store, who: Actor) -> tuple[BulkRun, bool]:
        return start_bulk(store, number, actor=who, reason=reason, per_minute=per_minute, using=using)

    _release(number, begin, "will be looked at again")


@issue.command()
@_id
@click.option("--reason", required=True, help="Why they may pass; kept.")
@_pace
def approve(number: int, reason: str, per_minute: int | None) -> None:
    """Let everything pass that it holds now; what another cause holds as well stays held by that one."""

    def begin(store: Store, who: Actor) -> tuple[BulkRun, bool]:
        return approve_all(store, number, actor=who, reason=reason, per_minute=per_minute)

    _release(number, begin, "pass this cause")


@issue.command()
@_id
def cancel(number: int) -> None:
    """Release nothing more; what was released already is still looked at."""
    with _opened() as runtime:
        run = _demand(runtime, number).run
        if run is None or not cancel_bulk(runtime.store, run.id, actor=actor()):
            raise click.ClickException(f"nothing of issue {number} is being released")
    _say(f"run {run.id} is cancelled; the rest stays as it was")


# --- words ------------------------------------------------------------------------------------------------------


def _demand(runtime: Runtime, number: int) -> Need:
    """Raises click.ClickException."""
    found = find_need(runtime.store, number)
    if found is None:
        raise _none(number)
    return found


def _none(number: int) -> click.ClickException:
    return click.ClickException(f"there is no issue {number}; `crossdock issue list` shows those that there are")


def _title(need: Need) -> str:
    return str(title_of(need.issue.cause, need.issue.title))


def _worth(figures: Figures) -> str:
    """Each currency, and how many nobody knows it of."""
    known = [f"{amount:f} {currency}" for currency, amount in figures.money.items()]
    return ", ".join([*known, *([f"{figures.unread} not read"] if figures.unread else [])])


def _care(need: Need) -> str:
    by = f" by {need.issue.due_on}" if need.issue.due_on else ""
    return f"{need.issue.assignee}{by}".strip()


def _course(progress: Progress) -> str:
    run, course = progress.run, progress.course
    how = "goes" if run.running else run.outcome
    became = f"{course.went} went, {course.stopped_again} stopped again, {course.under_way} under way"
    return f"run {run.id} of {run.asked_by} ({how}): {run.released} of {progress.total} released; {became}"


def _time(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _say(text: str) -> None:
    out.print(text, markup=False, emoji=False)


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_text))


def _text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
