"""`python -m connectors.sandbox.tryton --dir DIR`: serve a ready-to-use Tryton until Ctrl-C or SIGTERM."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import threading
from pathlib import Path

import click

from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.tryton.site import HOME, SandboxError, running_tryton


@click.command()
@click.option("--dir", "directory", type=click.Path(path_type=Path), required=True, help="Its database and logs.")
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--products", default=60, show_default=True, help="How many products; 60 it always has.")
@click.option("--uri", default="sqlite://", show_default=True, help="postgresql://user@host:port/ for PostgreSQL.")
@click.option("--database", default="erp", show_default=True, help="An empty database, for PostgreSQL.")
@click.option("--fresh", is_flag=True, help="Begin anew instead of serving what is in the folder.")
@click.option("--home", type=click.Path(path_type=Path), default=HOME, help="Where Tryton is installed.")
def main(directory: Path, port: int, products: int, uri: str, database: str, *, fresh: bool, home: Path) -> None:
    """Serve a ready-to-use Tryton; its address and keys are printed as one JSON object."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())

    def progress(text: str) -> None:
        click.echo(text, err=True)

    try:
        with running_tryton(
            directory,
            port=port,
            products=catalogue(products),
            uri=uri,
            database=database,
            fresh=fresh,
            home=home,
            progress=progress,
        ) as erp:
            click.echo(json.dumps(dataclasses.asdict(erp), default=str))
            ended.wait()
    except SandboxError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
