"""How the commands speak: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from config.logging import configure_logging
from config.settings import Settings
from sync.store.audit import Actor
from sync.work.runtime import Runtime

#: What is written into a file or a pipe is as wide as its content; Rich would cut tables to 80 columns there.
_AS_WIDE_AS_NEEDED: Final = 1000

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _AS_WIDE_AS_NEEDED)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else _AS_WIDE_AS_NEEDED)


def say_error(text: str) -> None:
    """One plain text on stderr; nothing in it is markup."""
    err.print(f"[bold red]error:[/] {escape(text)}")


def actor() -> Actor:
    """Who decides, for the audit: the login, or the number of a user that has none (a container's)."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return Actor(name, f"terminal {socket.gethostname()}")


@contextlib.contextmanager
def opened(*, dry_run: bool = False) -> Iterator[Runtime]:
    """This installation's parts, for one command; its log goes to stderr. Raises ConfigError, SchemaMismatch."""
    settings = Settings.from_env()
    redactor = configure_logging(settings, "cli", stream=sys.stderr)
    with Runtime(settings, dry_run=dry_run) as runtime:
        redactor.add(runtime.config.secrets())
        yield runtime


@contextlib.contextmanager
def progress(text: str, total: int | None = None) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar with the time left, on stderr; gone when it is done, and silent where nobody looks."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        yield bar, bar.add_task(text, total=total)
