"""`alerts`: what is out of order, who is told of it, and a test of the way there."""

from __future__ import annotations

import secrets
import sys

import click
from rich.markup import escape

from sync.cli.console import actor, opened, out
from sync.desk.alert_texts import test_body
from sync.desk.alert_words import known_causes
from sync.desk.alerts import AlertView, WayView, alerts_page
from sync.store.alerts import Message
from sync.store.audit import record_audit
from sync.store.health import clock
from sync.work.telling import NotTold, send


@click.group(invoke_without_command=True)
@click.pass_context
def alerts(context: click.Context) -> None:
    """What is out of order now, and how those who are told can be reached."""
    if context.invoked_subcommand is not None:
        return
    with opened() as runtime:
        page = alerts_page(runtime.store, runtime.config)
    if not page.open:
        out.print("nothing is out of order")
    for view in page.open:
        out.print(escape(_line(view)))
    if not page.ways:
        out.print("nobody is told: the configuration has no `alerts` (docs/alerts.md)")
    for way in page.ways:
        out.print(escape(_way(way)))


def _line(view: AlertView) -> str:
    row = view.row
    place = f" {row.place}" if row.place else ""
    count = f", {row.count} documents" if row.count else ""
    detail = f" ({row.detail})" if row.detail else ""
    return f"{row.severity}: {view.words.label}{place}{count}{detail}, since {row.seen_at:%Y-%m-%d %H:%M} UTC"


def _way(view: WayView) -> str:
    state = view.state
    if view.way is None:
        return f"way {view.name}: not configured any more, {state.waiting} messages wait"
    if state.failed_at is not None:
        return f"way {view.name}: fails since {state.failed_at:%Y-%m-%d %H:%M} UTC, {state.waiting} wait: {state.error}"
    last = f"last message {state.sent_at:%Y-%m-%d %H:%M} UTC" if state.sent_at else "nothing was sent yet"
    return f"way {view.name}: {last}" + (f", {state.waiting} wait" if state.waiting else "")


@alerts.command()
@click.argument("name")
def test(name: str) -> None:
    """Send a test message to NAME now, and say whether it was taken."""
    with opened() as runtime:
        way = runtime.config.alerts.get(name)
        if way is None:
            known = ", ".join(sorted(runtime.config.alerts)) or "none"
            raise click.BadParameter(f"nobody is told by that name; configured are: {known}", param_hint="NAME")
        now = runtime.store.read(clock)
        message = Message(0, secrets.token_hex(16), name, test_body(runtime.settings.public_url, now), now, 1)
        runtime.store.write(lambda c: record_audit(c, actor(), "test alert", f"alerts:{name}"))
        try:
            send(way, message, runtime.settings.language)
        except NotTold as error:
            out.print(f"not taken: {escape(str(error))}")
            sys.exit(1)
        out.print(f"taken: look whether it arrived ({message.uid})")


@alerts.command()
def causes() -> None:
    """What can raise an alert, by the names that `causes` of the configuration takes."""
    for cause, label in known_causes().items():
        out.print(f"{cause:<24} {escape(str(label))}")
