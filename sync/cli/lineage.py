"""`order --lineage`: where each field came from, a line each."""

from __future__ import annotations

import json

import click

from sync.cli.console import out
from sync.desk.lineage import FieldOrigin, Lineage, Row

_WIDTH = 60


def tell_lineage(found: Lineage, *, field: str = "", as_json: bool) -> None:
    """Raises click.ClickException where there is nothing to tell."""
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, default=str))
        return
    revision = found.revision
    if revision is not None:
        by = f"revision {revision.number}, published by {revision.author} on {revision.published_at:%Y-%m-%d}"
        out.print(f"made by {by}: {revision.reason}", markup=False, emoji=False)
    out.print(f"mapping {found.version or 'not made yet'}", markup=False, emoji=False)
    for remark in found.remarks:
        out.print(f"note: {remark}", markup=False, emoji=False)
    for each in found.fields:
        out.print(told(each), markup=False, emoji=False)
    if found.rows and not field:
        out.print("rows of look-up tables that the order and its sale were made with:")
        for row in found.rows:
            out.print(f"  {_told_row(row)}", markup=False, emoji=False)
    if not found.fields and not found.remarks:
        raise click.ClickException("the order has no such field; without a FIELD all of them are told")


def told(each: FieldOrigin) -> str:
    """`payment_terms = 'prepaid'  copy at web, revision 1:5:7, from source.terms = 'x', row ...`."""
    one = each.origin
    word = f"{one.word} at " if one.by == "rule" else ""
    why = f" ({one.word})" if one.by == "person" else ""
    reads = "".join(f", from {read.path} = {_short(read.value)}" for read in one.reads)
    rows = "".join(f", {_told_row(row)}" for row in each.rows)
    return f"{one.field} = {_short(one.value)}  {word}{one.where}{why}{reads}{rows}"


def _told_row(row: Row) -> str:
    whose = f"{row.scope}, revision {row.revision}" if row.scope else "no row any more"
    since = "" if row.today is None else "; removed since" if not row.today else f"; {row.today!r} since"
    facts = f" with {row.facts}" if row.facts else ""
    return f"{row.table} {row.value!r}{facts} -> {row.found!r} ({whose}{since})"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
