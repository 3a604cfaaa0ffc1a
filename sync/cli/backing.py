"""`backup` and `restore`: the whole database in one file, and back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.markup import escape

from config.logging import configure_logging
from config.settings import Settings
from sync.cli.console import actor, err, out
from sync.desk.backups import BackupRefused, make_backup, read_manifest, restore_backup


@contextlib.contextmanager
def _settings() -> Iterator[Settings]:
    """The environment alone: a database is saved whatever its configuration is like."""
    settings = Settings.from_env()
    configure_logging(settings, "cli", stream=sys.stderr)
    try:
        yield settings
    except BackupRefused as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Save the whole database into FILE, while everything runs.

    Also the files of invoices, which are in it. Not in it are the configuration folder, and the installation's key
    (`secret.key` of the state folder, or CROSSDOCK_SECRET_KEY): keep that one apart.
    """
    with _settings() as settings:
        made = make_backup(settings.database_url.reveal(), file, settings.signing_key())
    size = file.stat().st_size / 1_000_000
    out.print(f"{escape(str(file))}: {made.orders} orders, {size:.1f} MB, made by Crossdock {made.version}")
    err.print(
        f"The key {made.key} is not in it: keep a copy of `secret.key` (or CROSSDOCK_SECRET_KEY) in another place."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Also over a database that holds something.")
@click.option("--other-key", is_flag=True, help="Also with another key than the backup's: links to invoices end.")
@click.option("--show", is_flag=True, help="Only say what the backup is.")
def restore(file: Path, *, replace: bool, other_key: bool, show: bool) -> None:
    """Put the backup in FILE in the place of the database; Crossdock must not run.

    Nothing of it is believed that may have changed since: whatever was placed before now is looked up in both systems
    before anything is written there.
    """
    with _settings() as settings:
        if show:
            found = read_manifest(file)
            out.print(f"made {found.made_at} by Crossdock {found.version}: {found.database}, schema {found.schema}")
            out.print(f"{found.orders} orders, {found.size} bytes, key {found.key}")
            return
        url, key = settings.database_url.reveal(), settings.signing_key()
        done = restore_backup(url, file, key, actor(), replace=replace, other_key=other_key)
    out.print(f"{done.manifest.orders} orders of {done.manifest.made_at} are in place; everybody signs in again")
    if done.aside is not None:
        out.print(f"what stood there is kept as {escape(str(done.aside))}")
    err.print("Start Crossdock, and let `crossdock proof` say whether shop, Crossdock and ERP agree.")
