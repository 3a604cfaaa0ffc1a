"""`lookup`: the tables that say what a value of one system is in the other, a row at a time or as CSV files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from sync.cli.console import actor, err, opened, out
from sync.cli.switching import ring_all
from sync.desk.lookup_files import MAX_TOLD, FileRefused, read_rows, write_rows
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookup_views import TableView, history, list_tables, make_table, remove_table
from sync.desk.lookups import Change, Preview, preview_rows, remove_lookup, save_lookups
from sync.desk.phrases import Refusal
from sync.rules.lookups import GLOBAL, declared_facts
from sync.store.lookups import RowFilter, RowKey, find_rows, load_row, load_rows
from sync.store.needs import Figures, Release
from sync.work.runtime import Runtime

_PAGE: Final = 500
#: Changes of a file that are listed one by one.
_SHOWN: Final = 200


class _WithSet(click.Group):
    """A group in which the word `set` may be left out: `lookup sku SHOP-1 ERP-1`."""

    #: What is meant where no command is named.
    default: Final = "set"

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What no command is called is a table; none is called like a command."""
        known = bool(args) and self.get_command(ctx, args[0]) is not None
        return super().resolve_command(ctx, args if known else [self.default, *args])


@click.group(cls=_WithSet)
def lookup() -> None:
    """What a value of one system is in the other: TABLE VALUE TARGET adds a row; see also the commands below."""


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say for whom a row is."""
    command = click.option("--connection", help="Only for this connection, the shop's or the ERP's.")(command)
    return click.option("--channel", help="Only for this channel.")(command)


def _scope(channel: str | None, connection: str | None) -> str:
    if channel and connection:
        raise click.UsageError("--channel or --connection, not both")
    return f"channel:{channel}" if channel else f"connection:{connection}" if connection else GLOBAL


@lookup.command("set")
@click.argument("table")
@click.argument("value")
@click.argument("target")
@_scoped
@click.option("--when", default="", help="Conditions, as in 'country=DE; rate=19..19.5; title=MwSt*'.")
@click.option("--reason", default="", help="Kept with the change.")
def set_row(
    *, table: str, value: str, target: str, channel: str | None, connection: str | None, when: str, reason: str
) -> None:
    r"""Add or change a row of TABLE (sku, tax, country ...): VALUE is TARGET in the other system.

    In VALUE a * stands for anything, and \* for itself. Releases every order that waits for the row.
    """
    row = LookupRow(table, value, target, _scope(channel, connection), when)
    with opened() as runtime:
        try:
            release = save_lookups(runtime.store, runtime.config, [row], actor=actor(), reason=reason).release
        except Refusal as error:
            raise click.UsageError(str(error)) from error
        _ring(runtime, release)
        out.print(f"{escape(table)} {escape(value)} -> {escape(target)}; {_released(release)}")
        _tell_stays(release)


@lookup.command()
@click.argument("table")
@click.argument("value")
@_scoped
@click.option("--when", default="", help="The row's conditions.")
@click.option("--reason", default="", help="Kept with the change.")
def remove(*, table: str, value: str, channel: str | None, connection: str | None, when: str, reason: str) -> None:
    """Take the row of TABLE for VALUE away; its history stays."""
    key = RowKey(table, _scope(channel, connection), value, when)
    with opened() as runtime:
        row = runtime.store.read(lambda c: load_row(c, key))
        if row is None:
            raise click.ClickException(f"{table} has no row for {value!r} ({key.scope}{f', {when}' if when else ''})")
        try:
            remove_lookup(runtime.store, runtime.config, row, actor=actor(), reason=reason)
        except Refusal as error:
            raise click.ClickException(str(error)) from error
        out.print(f"removed: {escape(table)} {escape(value)} -> {escape(row.target)}")


@lookup.command("list")
@click.argument("table", default="")
@click.argument("text", default="")
@_scoped
def list_(*, table: str, text: str, channel: str | None, connection: str | None) -> None:
    """The tables; with TABLE its rows, with TEXT those that have it in them."""
    with opened() as runtime:
        if not table:
            _show_tables(list_tables(runtime.store))
            return
        scope = _scope(channel, connection) if channel or connection else ""
        _show_rows(runtime, RowFilter(table=table, scope=scope, text=text))


def _show_tables(found: Sequence[TableView]) -> None:
    shown = Table("table", "rows", "from", "to", "conditions", "read by")
    for table in found:
        cells = (table.name, str(table.rows), table.values, table.targets, table.facts_text, table.readers)
        shown.add_row(*map(escape, cells))
    out.print(shown)


def _show_rows(runtime: Runtime, which: RowFilter) -> None:
    shown, offset = Table("value", "when", "is", "for", "changed", "by"), 0
    while True:
        rows, count = runtime.store.read(lambda c, offset=offset: find_rows(c, which, offset=offset, limit=_PAGE))  # type: ignore[misc]
        for row in rows:
            cells = (row.key.value, row.key.conditions, row.target, row.key.scope)
            shown.add_row(*map(escape, (*cells, f"{row.changed_at:%Y-%m-%d %H:%M}", row.changed_by)))
        offset += _PAGE
        if offset >= count:
            break
    out.print(shown)


@lookup.command("history")
@click.argument("table")
@click.argument("value")
@_scoped
@click.option("--when", default="", help="The row's conditions.")
def history_(*, table: str, value: str, channel: str | None, connection: str | None, when: str) -> None:
    """Who changed the row of TABLE for VALUE, and what it said before; also of one that is gone."""
    key = RowKey(table, _scope(channel, connection), value, when)
    with opened() as runtime:
        shown = Table("when", "who", "from where", "before", "after", "why")
        for entry in history(runtime.store, key):
            cells = (entry.actor, entry.origin, entry.before, entry.after, entry.reason)
            shown.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", *map(escape, cells))
        out.print(shown)


@lookup.command("export")
@click.argument("table", default="")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Into this file, not to the terminal.")
def export(table: str, output: Path | None) -> None:
    """Every row of TABLE, or of all tables, as CSV in UTF-8."""
    with opened() as runtime:
        text = "".join(write_rows(runtime.store.read(lambda c: load_rows(c, table_name=table))))
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_bytes(text.encode())
            err.print(f"written: {escape(str(output))}")


@lookup.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--table", default="", help="What rows are for that name no table.")
@click.option("--replace", is_flag=True, help="Take away what the file does not have, of the tables that it has.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--reason", default="", help="Kept with each change.")
def import_(file: Path, *, table: str, replace: bool, dry_run: bool, yes: bool, reason: str) -> None:
    """Add and change rows as a CSV FILE says (columns value, target; table, scope, conditions): all or none.

    What would change is shown first, with the orders that it releases.
    """
    with opened() as runtime:
        try:
            rows = read_rows(runtime.config, file.read_bytes(), runtime.store.read(declared_facts), table=table)
            only = {row.table for row in rows} | ({table} if table else set()) if replace else set()
            preview = preview_rows(runtime.store, runtime.config, rows, only=only)
            _show_changes(preview)
            if dry_run or not preview.changes:
                return
            if not yes:
                click.confirm("Change this?", abort=True, err=True)
            applied = save_lookups(
                runtime.store, runtime.config, rows, actor=actor(), reason=reason, only=only, seen=preview.seen
            )
        except FileRefused as error:
            _show_bad(error)
            raise click.ClickException(f"{error}; nothing was changed") from error
        except Refusal as error:
            raise click.ClickException(f"{error}; nothing was changed") from error
        _ring(runtime, applied.release)
        out.print(f"done: {len(applied.changes)} rows; {_released(applied.release)}")
        _tell_stays(applied.release)


def _show_bad(error: FileRefused) -> None:
    for bad in error.bad[:MAX_TOLD]:
        err.print(escape(str(bad.words)))
    if len(error.bad) > MAX_TOLD:
        err.print(f"... and {len(error.bad) - MAX_TOLD} more")


def _show_changes(preview: Preview) -> None:
    shown = Table("", "table", "for", "value", "when", "was", "is", "releases")
    for change in preview.changes[:_SHOWN]:
        shown.add_row(*map(escape, _change_cells(change, preview.releases.get(change.key))))
    if preview.changes:
        out.print(shown)
    if len(preview.changes) > _SHOWN:
        out.print(f"... and {len(preview.changes) - _SHOWN} more")
    counts = {kind: sum(change.kind == kind for change in preview.changes) for kind in ("added", "changed", "removed")}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    out.print(f"{told}, {preview.unchanged} as they are; {_released(preview.release)}")


def _change_cells(change: Change, release: Release | None) -> Iterable[str]:
    key = change.key
    goes = "" if release is None else _worth(release.goes)
    return change.kind, key.table, key.scope, key.value, key.conditions, change.before or "", change.after or "", goes


def _worth(figures: Figures) -> str:
    money = ", ".join(f"{amount:,f} {currency}" for currency, amount in figures.money.items())
    return f"{figures.documents} orders" + (f" ({money})" if money else "")


def _released(release: Release) -> str:
    return f"{release.goes.documents + release.stays.documents} orders will be looked at again"


def _ring(runtime: Runtime, release: Release) -> None:
    """What was released need not wait for the dispatcher; before go-live there is nobody to ring for."""
    if release.goes.documents or release.stays.documents:
        ring_all(runtime)


def _tell_stays(release: Release) -> None:
    if release.stays.documents:
        out.print(f"{release.stays.documents} of them are still stopped by another cause")


@lookup.command()
@click.argument("name")
@click.argument("purpose")
@click.option(
    "--fact",
    "facts",
    multiple=True,
    metavar="NAME[:KIND]",
    help="What conditions of its rows may ask for: text (without KIND), number or country. Several times.",
)
def add(name: str, purpose: str, facts: tuple[str, ...]) -> None:
    """Make a table of your own, for mapping profiles: NAME, and its PURPOSE in a sentence.

    Of a table that is there already it says anew what it is for, and what its rows may ask for.
    """
    with opened() as runtime:
        try:
            make_table(runtime.store, name, purpose, facts=", ".join(facts), actor=actor())
        except Refusal as error:
            raise click.UsageError(str(error)) from error
        out.print(f"made: {escape(name)}")


@lookup.command()
@click.argument("name")
def drop(name: str) -> None:
    """Take a table of your own away, which has no rows any more."""
    with opened() as runtime:
        try:
            remove_table(runtime.store, name, actor=actor())
        except Refusal as error:
            raise click.UsageError(str(error)) from error
        out.print(f"removed: {escape(name)}")
