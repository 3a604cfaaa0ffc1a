"""What a command says when it cannot do what it was asked for, and its exit status."""

from __future__ import annotations

from typing import Final

import click
from sqlalchemy.exc import DBAPIError

from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from sync.cli.console import say_error
from sync.rules.systems import SystemMissing
from sync.store.engine import DatabaseBusy
from sync.store.migrate import SchemaMismatch

#: What a person can do something about; everything else is a defect, and is said so.
_EXPECTED: Final = (ConfigError, ConnectorError, DatabaseBusy, SchemaMismatch, SystemMissing, LookupError, OSError)
#: Of a program that was stopped by Ctrl-C.
_STOPPED: Final = 130


def tell(error: Exception) -> int:
    """Say it in plain words on stderr; the exit status. Raises an error that nobody expects."""
    if isinstance(error, click.Abort):
        say_error("stopped")
        return _STOPPED
    if isinstance(error, DBAPIError):
        say_error(f"the database cannot be used: {error.orig}; check CROSSDOCK_DATABASE")
        return 1
    if isinstance(error, _EXPECTED):
        say_error(str(error) or type(error).__name__)
        return 1
    raise error
