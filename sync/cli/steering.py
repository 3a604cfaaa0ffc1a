"""`retry`, `approve`, `reject`, `link`, `assign`, `comment`: what people decide about orders, each with its trace."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from sync.cli.console import actor, opened, out
from sync.cli.moving import show_matches
from sync.cli.naming import find, using_option
from sync.cli.switching import ring_all
from sync.desk.bulk import OtherMapping, start_for_cause
from sync.desk.issue_life import LifeRefused, assign_order, comment_order
from sync.desk.resending import resend_orders
from sync.desk.steering import approve_order, look_again, reject_order, retry_again, retry_orders
from sync.flows.linking import find_sales, link_order
from sync.store.orders import StoredOrder
from sync.store.pins import Using
from sync.work.runtime import Runtime


def _ring(runtime: Runtime, orders: list[StoredOrder]) -> None:
    for channel in sorted({order.channel for order in orders}):
        runtime.bell.ring(channel, "order")


@click.command()
@click.argument("numbers", nargs=-1)
@click.option("--cause", help="Everything that stands in issues of this cause (see `crossdock status`).")
@click.option("--fetch", is_flag=True, help="Read them in the shop anew, whatever is stored of them.")
@using_option
@click.option("--again", is_flag=True, help="The sale is gone in the ERP on purpose or by mistake: make a new one.")
@click.option(
    "--resend", is_flag=True, help="Send again what nobody knows the outcome of; you looked, and it is not there."
)
def retry(numbers: tuple[str, ...], cause: str | None, using: Using, *, fetch: bool, again: bool, resend: bool) -> None:
    """Look at orders again, now; all of a cause in pieces, so that new orders are not delayed."""
    if bool(numbers) == bool(cause):
        raise click.UsageError("say which: order numbers, or --cause")
    if (fetch or again or resend) and cause:
        raise click.UsageError("--fetch, --again and --resend are for order numbers")
    if fetch + again + resend > 1:
        raise click.UsageError("one of --fetch, --again and --resend at a time")
    if using is Using.ORIGINAL and (fetch or again or resend):
        raise click.UsageError("--mapping is for a plain retry: --fetch, --again and --resend leave it as it is")
    with opened() as runtime:
        if cause is not None:
            try:
                runs = start_for_cause(runtime.store, cause, actor=actor(), using=using)
            except OtherMapping as refusal:
                raise click.ClickException(str(refusal)) from refusal
            ring_all(runtime)
            count = sum(run.expected for run in runs)
        else:
            orders = find(runtime, numbers)
            change = _change(using, fetch=fetch, again=again, resend=resend)
            count = change(runtime.store, orders=orders, actor=actor())
            _ring(runtime, orders)
        out.print(f"{count} orders will be looked at again")


def _change(using: Using, *, fetch: bool, again: bool, resend: bool) -> Callable[..., int]:
    if resend:
        return resend_orders
    return retry_again if again else look_again if fetch else functools.partial(retry_orders, using=using)


@click.command()
@click.argument("number")
@click.option("--reason", required=True, help="Why it may pass; kept.")
def approve(number: str, reason: str) -> None:
    """Let an order pass what holds it, as long as its content stays what it is now."""
    with opened() as runtime:
        orders = find(runtime, (number,))
        causes = approve_order(runtime.store, orders[0], actor=actor(), reason=reason)
        _ring(runtime, orders)
        out.print(f"approved: {', '.join(causes)}")


@click.command()
@click.argument("number")
@click.option("--reason", required=True, help="Why it is not to be imported; kept.")
def reject(number: str, reason: str) -> None:
    """Do not carry an order over. A later change in the shop is looked at again."""
    with opened() as runtime:
        orders = find(runtime, (number,))
        if not reject_order(runtime.store, orders[0], actor=actor(), reason=reason):
            raise click.ClickException("the order is being worked on or looked up just now; try again in a moment")
        out.print(f"order {orders[0].number} is not carried over")


@click.command()
@click.argument("number")
@click.argument("sale")
@click.option("--reason", default="", help="Why; kept.")
@click.option("--yes", is_flag=True, help="Link without asking.")
def link(number: str, sale: str, reason: str, *, yes: bool) -> None:
    """Link order NUMBER with a SALE that the ERP has already: its number, reference or id. Creates nothing."""
    with opened() as runtime:
        [order] = find(runtime, (number,))
        systems = runtime.systems.channel(order.channel)
        matches = find_sales(runtime.store, systems, order, sale)
        if not matches:
            raise click.ClickException(f"{systems.channel.erp} has no sale {sale!r} of this shop")
        show_matches(matches)
        good = [match for match in matches if match.linkable]
        if len(good) != 1:
            raise click.ClickException(
                "nothing was linked: " + ("say which by its id" if good else "none of them fits")
            )
        if not yes and not click.confirm(f"link order {order.number} with sale {good[0].sale_number}?", err=True):
            raise click.Abort
        linked = link_order(runtime.store, systems, order, good[0].sale.external_id, actor=actor(), reason=reason)
        _ring(runtime, [order])
        out.print(f"order {order.number} is linked with sale {linked.sale_number}; nothing was created")


@click.command()
@click.argument("number")
@click.argument("login", default="")
@click.option("--due", default="", metavar="DAY", help="By which day, such as 2026-11-30.")
def assign(number: str, login: str, due: str) -> None:
    """Say who cares for an order, and by when; without LOGIN nobody does."""
    with opened() as runtime:
        [order] = find(runtime, (number,))
        try:
            assign_order(runtime.store, order, assignee=login, due_on=due, actor=actor())
        except LifeRefused as refusal:
            raise click.ClickException(str(refusal)) from refusal
        out.print(f"order {order.number} is cared for by {login or 'nobody'}", markup=False)


@click.command()
@click.argument("number")
@click.argument("text")
def comment(number: str, text: str) -> None:
    """Say something about an order; it is kept with your name, and not changed later."""
    with opened() as runtime:
        [order] = find(runtime, (number,))
        try:
            comment_order(runtime.store, order, text, actor=actor())
        except LifeRefused as refusal:
            raise click.ClickException(str(refusal)) from refusal
        out.print("the comment is kept")
