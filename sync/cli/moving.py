"""`pull`, `backfill`, `adopt`: bringing orders in outside of the schedule."""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Sequence

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import actor, err, opened, out, progress
from sync.flows.adopt import Match, find_matches, link_matches
from sync.flows.pull import Pulled
from sync.flows.pull import pull as pull_orders
from sync.rules.asking import listed_orders, only_sends
from sync.store.audit import record_audit
from sync.store.backlog import count_open
from sync.store.channels import start_channel
from sync.store.marking import mark
from sync.store.states import BACKFILL
from sync.work.runtime import Runtime

MOMENT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


def aware(moment: dt.datetime | None) -> dt.datetime | None:
    """A moment without zone is meant as UTC."""
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment


def channel_of(runtime: Runtime, name: str) -> str:
    """The name, if there is such a channel. Raises click.BadParameter naming those that there are."""
    if name not in runtime.config.channels:
        known = ", ".join(sorted(runtime.config.channels)) or "none"
        raise click.BadParameter(f"there is no channel {name!r}; configured are: {known}", param_hint="CHANNEL")
    return name


@click.command()
@click.argument("channel")
def pull(channel: str) -> None:
    """Pull what changed in CHANNEL's shop since the last pull, now."""
    with opened() as runtime:
        entry = runtime.config.channels[channel_of(runtime, channel)]
        if only_sends(runtime.systems.connector(entry.source)):
            raise click.ClickException(f"{entry.source} sends its orders and cannot be asked: there is nothing to pull")
        fed = runtime.config.channels_of_source(entry.source)
        states = runtime.store.write(lambda c: [start_channel(c, each.name, each.policies.start_at) for each in fed])
        with progress(f"pulling {entry.source}") as (bar, task):

            def show(done: Pulled) -> None:
                bar.update(task, completed=done.seen)

            done = pull_orders(
                runtime.store,
                runtime.systems.connector(entry.source),
                entry.source,
                [each.name for each in fed],
                since=min(state.start_at for state in states),
                progress=show,
            )
        for each in fed:
            runtime.bell.ring(each.name, "order")
        out.print(f"{done.seen} orders seen, {done.marked} to look at")


@click.command()
@click.argument("channel")
@click.option("--since", type=MOMENT, help="Orders placed from here on (UTC unless a zone is given).")
@click.option("--until", type=MOMENT, help="Orders placed before (default: now).")
@click.option("--ids", multiple=True, help="These orders only, by the shop's ids; may be repeated or comma separated.")
@click.option("--wait/--no-wait", default=True, help="Show progress until all are looked at.")
def backfill(
    channel: str, since: dt.datetime | None, until: dt.datetime | None, ids: tuple[str, ...], *, wait: bool
) -> None:
    """Bring in older orders of CHANNEL; live orders go first. Orders that the ERP has already are linked."""
    wanted = [part for entry in ids for part in entry.split(",") if part]
    if not wanted and since is None:
        raise click.UsageError("say which orders: --since, or --ids")
    with opened() as runtime:
        systems = runtime.systems.channel(channel_of(runtime, channel))
        if not wanted:
            begin, end = aware(since), aware(until) or dt.datetime.now(dt.UTC)
            assert begin is not None
            wanted = [row.external_id for row in listed_orders(runtime.store, systems, begin, end)]
        for start in range(0, len(wanted), 64):
            batch = wanted[start : start + 64]
            runtime.store.write(
                functools.partial(
                    mark,
                    channel=channel,
                    kind="order",
                    external_ids=batch,
                    facet="backfill",
                    refetch=True,
                    priority=BACKFILL,
                )
            )
        runtime.bell.ring(channel, "order")
        out.print(f"{len(wanted)} orders to look at")
        if wait and wanted:
            _watch(runtime, channel, wanted)


def _watch(runtime: Runtime, channel: str, ids: Sequence[str]) -> None:
    with progress("working", len(ids)) as (bar, task):
        left = len(ids)
        while left:
            left = runtime.store.read(lambda c: count_open(c, channel, "order", ids))
            bar.update(task, completed=len(ids) - left)
            time.sleep(0.5 if left else 0)


@click.command()
@click.argument("channel")
@click.option("--since", type=MOMENT, help="Orders placed from here on (default: 90 days ago).")
@click.option("--yes", is_flag=True, help="Link without asking.")
def adopt(channel: str, since: dt.datetime | None, *, yes: bool) -> None:
    """Link CHANNEL's orders with sales that the ERP has already, by number or reference. Creates nothing."""
    with opened() as runtime:
        systems = runtime.systems.channel(channel_of(runtime, channel))
        begin = aware(since) or dt.datetime.now(dt.UTC) - dt.timedelta(days=90)
        with progress("comparing"):
            matches = find_matches(runtime.store, systems, begin, dt.datetime.now(dt.UTC))
        if matches:
            show_matches(matches)
        good = [match for match in matches if match.linkable]
        if not good:
            out.print("nothing to link")
            return
        if not yes and not click.confirm(f"link {len(good)} orders?", err=True):
            raise click.Abort
        done = link_matches(runtime.store, systems, good)
        runtime.store.write(
            lambda c: record_audit(c, actor(), "adopt", f"channel:{channel}", after=f"{done} orders linked")
        )
        runtime.bell.ring(channel, "order")
        out.print(f"{done} orders linked, nothing created")


def show_matches(matches: Sequence[Match]) -> None:
    """What would be linked, and what not and why; on stderr."""
    table = Table("order", "placed", "shop total", "sale", "sale total", "link?", title=None)
    for match in matches:
        row = (match.number, match.day, match.shop_total, match.sale_number, match.sale_total, match.verdict or "yes")
        table.add_row(*map(escape, row))
    err.print(table)
