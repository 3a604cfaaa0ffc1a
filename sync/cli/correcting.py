"""`correct`: one order corrected by hand, with what would come of it first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import click
from rich.markup import escape

from sync.cli.console import actor, opened, out
from sync.cli.naming import find
from sync.cli.orders import print_dry_run
from sync.desk.correction_fields import read_json, with_fields
from sync.desk.corrections import Draft, Mistakes, check, draft_of, keep_correction, take_back
from sync.rules.corrections import Basis, Change, told
from sync.rules.systems import ChannelSystems
from sync.store.bodies import pretty_json
from sync.store.orders import StoredOrder
from sync.work.rehearse import dry_run as rehearsed
from sync.work.runtime import Runtime


def _fields(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r} is not FIELD=VALUE")
    return dict(value.split("=", 1) for value in values)


@click.command()
@click.argument("number")
@click.option("--set", "fields", multiple=True, callback=_fields, metavar="FIELD=VALUE", help="shipping.city=Bonn")
@click.option("--document", type=click.File("r", encoding="utf-8"), help="The whole document as JSON; - for stdin.")
@click.option("--source", is_flag=True, help="Correct what the shop sent, before it is read.")
@click.option("--show", is_flag=True, help="Print the document as it counts now, and nothing else.")
@click.option("--dry-run", is_flag=True, help="What would be different, and what would be sent; nothing is kept.")
@click.option("--take-back", "number_back", type=int, metavar="N", help="Correction N counts no more.")
@click.option("--reason", default="", help="Why; kept.")
def correct(
    number: str,
    fields: dict[str, str],
    document: TextIO | None,
    *,
    source: bool,
    show: bool,
    dry_run: bool,
    number_back: int | None,
    reason: str,
) -> None:
    """Correct an order, and have it looked at with that; what the shop sent stays as it came."""
    if sum((bool(fields), document is not None, show, number_back is not None)) != 1:
        raise click.UsageError("one of --set, --document, --show and --take-back")
    with opened() as runtime:
        [order] = find(runtime, (number,))
        systems = runtime.systems.channel(order.channel)
        try:
            if number_back is not None:
                take_back(runtime.store, systems, order, number_back, actor=actor(), reason=reason)
                out.print(f"correction {number_back} counts no more; the order is looked at without it")
            else:
                draft = draft_of(runtime.store, systems, order, Basis.SOURCE if source else None)
                if show:
                    click.echo(pretty_json(draft.document))
                    return
                made = with_fields(draft.document, fields) if document is None else _read(document)
                if dry_run:
                    _rehearse(runtime, systems, order, draft, made)
                    return
                kept = keep_correction(
                    runtime.store,
                    systems,
                    order,
                    made,
                    seen=draft.seen,
                    actor=actor(),
                    reason=reason,
                    basis=draft.basis,
                )
                _print(kept.changes)
                out.print(f"correction {kept.number} is kept; the order is looked at with it")
        except Mistakes as mistakes:
            lines = [f"{each.path}: {each.reason}" if each.path else str(each.reason) for each in mistakes.problems]
            raise click.ClickException("\n".join(["nothing was kept", *lines])) from mistakes
        runtime.bell.ring(order.channel, "order")


def _read(document: TextIO) -> object:
    try:
        return read_json(document.read())
    except ValueError as error:
        raise click.ClickException(f"the document is no JSON: {error}") from error


def _rehearse(runtime: Runtime, systems: ChannelSystems, order: StoredOrder, draft: Draft, made: object) -> None:
    changes = check(runtime.store, systems, order, draft, made)
    _print(changes)
    print_dry_run(rehearsed(runtime.store, runtime.systems, order, trial=draft.trial(changes)), as_json=False)


def _print(changes: Sequence[Change]) -> None:
    for change in changes:
        out.print(escape(f"{change}: {told(change.before)} -> {told(change.after)}"))
