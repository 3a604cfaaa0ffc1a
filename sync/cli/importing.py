"""`import-csv` and `read-again`: orders of sources that nobody can ask."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from connectors.csvfiles import CsvFiles, FileRefused
from connectors.csvfiles.reading import DELIMITERS, ENCODINGS
from connectors.kit.base import ReadsAgain
from connectors.registry import class_of, has
from sync.cli.console import actor, err, opened, out, progress
from sync.desk.sheets import MARK, cell
from sync.flows.files import BadCell, Checked, check_file, take_file
from sync.store.inbox import ItemKey
from sync.work.receive.again import read_again as read_unreadable
from sync.work.runtime import Runtime

#: Of what is bad, on the terminal; `--errors` writes all of it.
_SHOWN: Final = 20
_NAMES: Final = {"tab": "\t"}


@click.command("import-csv")
@click.argument("connection")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Look at the file, and take nothing.")
@click.option("--good-only", is_flag=True, help="Take the good orders of a file of which some are bad.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write what is bad into this CSV file.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Where it is found out wrongly.")
@click.option("--delimiter", type=click.Choice([*DELIMITERS, *_NAMES]), help="Where it is found out wrongly.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def import_csv(
    connection: str,
    file: Path,
    *,
    dry_run: bool,
    good_only: bool,
    errors: Path | None,
    encoding: str | None,
    delimiter: str | None,
    yes: bool,
) -> None:
    """Take the orders of a CSV FILE for CONNECTION (`system: csv`): all of them, or none.

    What it would do is shown first. The same file again changes nothing; a corrected one changes what it says
    otherwise. Exit status 1 where something is bad and nothing was taken.
    """
    with opened() as runtime:
        checked = _checked(runtime, connection, file, encoding or "", _NAMES.get(delimiter or "", delimiter or ""))
        _show(checked)
        if errors is not None:
            errors.write_text(errors_csv(checked.bad), "utf-8", newline="")
        if checked.bad and not good_only:
            raise click.ClickException(
                "nothing was taken; correct the file, or take the good orders alone with --good-only"
            )
        if dry_run or not checked.news:
            out.print("nothing was taken" if dry_run else "nothing new: all of it came in before")
            return
        if not yes:
            click.confirm(f"take {checked.new + checked.changed} orders?", abort=True, err=True)
        with progress("taking"):
            marked = take_file(
                runtime.store, runtime.systems, checked, name=file.name, only_good=good_only, actor=actor()
            )
        _ring(runtime, marked)
        out.print(f"{len({key[2] for key in marked})} orders taken")


def _checked(runtime: Runtime, connection: str, file: Path, encoding: str, delimiter: str) -> Checked:
    connections: dict[str, CsvFiles] = _of_kind(runtime, CsvFiles)
    if connection not in connections:
        known = ", ".join(sorted(connections)) or "none"
        raise click.BadParameter(f"{connection!r} takes no files; those that do: {known}", param_hint="CONNECTION")
    with file.open("rb") as opened_file, progress("reading"):
        try:
            sheet = connections[connection].read(opened_file, encoding=encoding, delimiter=delimiter)
        except FileRefused as error:
            raise click.ClickException(f"{file.name}: {error}; nothing was taken") from error
        return check_file(runtime.store, runtime.systems, connection, sheet)


def _show(checked: Checked) -> None:
    sheet = checked.sheet
    sign = next((name for name, value in _NAMES.items() if value == sheet.delimiter), sheet.delimiter)
    out.print(f"{sheet.encoding}, cells between {sign}, {len(sheet.columns)} columns, {sheet.rows} rows", markup=False)
    sums = ", ".join(f"{amount:f} {currency}" for currency, amount in sorted(checked.sums.items()))
    out.print(
        f"{checked.orders} orders: {checked.new} new, {checked.changed} changed, {checked.same} as before, "
        f"{checked.broken} bad" + (f"; the good ones come to {sums}" if sums else ""),
        markup=False,
    )
    if checked.waiting:
        out.print(f"{checked.waiting} of them will wait for a row of a look-up table, or a mapping profile")
    if checked.bad:
        shown = Table("line", "order", "column or field", "problem", "what to do")
        for each in checked.bad[:_SHOWN]:
            shown.add_row(*map(escape, (str(each.line), each.order, each.column, each.problem, each.next_step)))
        err.print(shown)
    if len(checked.bad) > _SHOWN:
        err.print(f"... and {len(checked.bad) - _SHOWN} more; --errors FILE writes all of them")


def errors_csv(bad: Sequence[BadCell]) -> str:
    """A file for whoever corrects the first one; no text of it becomes a formula in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("line", "order", "column", "problem", "what to do"))
    writer.writerows(
        [cell(value) for value in (each.line, each.order, each.column, each.problem, each.next_step)] for each in bad
    )
    return MARK + buffer.getvalue()


@click.command("read-again")
@click.argument("connection")
@click.option("--discard", is_flag=True, help="Give up what still cannot be read: it is dropped.")
def read_again(connection: str, *, discard: bool) -> None:
    """Read again what CONNECTION (`system: json`) sent and nobody could read, by its options of today.

    Exit status 1 where something still cannot be read.
    """
    with opened() as runtime:
        connectors = _of_kind(runtime, ReadsAgain)
        if connection not in connectors:
            known = ", ".join(sorted(connectors)) or "none"
            raise click.BadParameter(f"{connection!r} reads nothing again; those that do: {known}")
        channels = [channel.name for channel in runtime.config.channels_of_source(connection)]
        done = read_unreadable(
            runtime.store, connectors[connection], connection, channels, discard=discard, actor=actor()
        )
        _ring(runtime, done.marked)
        given_up = f", {done.given_up} given up" if discard else ""
        out.print(f"{done.read} deliveries read{given_up}, {done.left} still cannot be read")
        if done.left:
            raise click.ClickException("correct the options of the connection, or give them up with --discard")


def _of_kind(runtime: Runtime, capability: type) -> dict[str, Any]:
    """The connections that can do this."""
    return {
        name: runtime.systems.connector(name)
        for name, each in runtime.config.connections.items()
        if has(class_of(each.system), capability)
    }


def _ring(runtime: Runtime, marked: Sequence[ItemKey]) -> None:
    for channel, kind in sorted({key[:2] for key in marked}):
        runtime.bell.ring(channel, kind)
