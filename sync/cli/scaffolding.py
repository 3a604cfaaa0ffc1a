"""`new-connector`: the skeleton of a connector, as a package of its own."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli.console import out
from sync.skeleton import KINDS, NameUnusable, write


@click.command("new-connector")
@click.argument("name")
@click.option("--kind", type=click.Choice(sorted(KINDS)), default="shop", show_default=True, help="What it speaks to.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder in which the package's folder is made; else this one.",
)
def new_connector(name: str, kind: str, into: Path) -> None:
    """Write a connector NAME with mapping, stand-in, fixtures, tests and a page, as a package of its own.

    It works at once, against an invented API that its stand-in serves: change that into the real one. Its tests pass
    but for those of tests/test_todo.py, which say what only the vendor and the real system can tell.
    """
    try:
        folder, files = write(name, kind, into)
    except NameUnusable as error:
        raise click.UsageError(str(error)) from error
    out.print(f"{folder}: {len(files)} files", soft_wrap=True, markup=False)
    out.print("next:", markup=False)
    for line in (f"cd {folder}", "pip install -e '.[test]'", "python -m pytest"):
        out.print(f"  {line}", soft_wrap=True, markup=False)
