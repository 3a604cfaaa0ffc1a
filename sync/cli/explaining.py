"""`crossdock explain`: what an error means, by its id."""

from __future__ import annotations

import json

import click

from sync.cli.console import out
from sync.desk.catalogue.book import entries, find
from sync.desk.catalogue.entry import Entry


@click.command()
@click.argument("error_id", metavar="ID", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(error_id: str, *, as_json: bool) -> None:
    """What an error means, why it comes and what to do; without ID, every id with its first words.

    An id is what the console, the JSON API and the documentation name, `tryton.warning` say; that of a cause may go
    without its first part: `unknown_sku`.
    """
    found = [find(error_id)] if error_id else list(entries().values())
    if as_json:
        click.echo(json.dumps([_to_json(entry) for entry in found], ensure_ascii=False))
        return
    for entry in found:
        if not error_id:
            out.print(f"{entry.id:<62} {entry.happened}", markup=False, emoji=False, soft_wrap=True)
            continue
        lines = [entry.id, str(entry.happened), *([f"Why: {entry.why}"] if entry.why is not None else [])]
        for line in (*lines, f"What to do: {entry.remedy}"):
            out.print(line, markup=False, emoji=False)


def _to_json(entry: Entry) -> dict[str, str]:
    why = "" if entry.why is None else str(entry.why)
    return {"id": entry.id, "happened": str(entry.happened), "why": why, "what_to_do": str(entry.remedy)}
