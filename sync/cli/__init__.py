"""`crossdock ...`: everything that people do from a terminal."""

from __future__ import annotations

import sys
from typing import Final

import click
from sqlalchemy.exc import DBAPIError

from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from sync.cli import (
    alerts,
    backing,
    correcting,
    doctor,
    explaining,
    forecast,
    importing,
    installing,
    issues,
    keeping,
    lookup,
    mapping,
    matching,
    moving,
    orders,
    processes,
    proof,
    rewinding,
    sandbox,
    scaffolding,
    steering,
    stock,
    switching,
    tokens,
    users,
)
from sync.cli.console import say_error
from sync.cli.demo import demo
from sync.rules.systems import SystemMissing
from sync.store.engine import DatabaseBusy
from sync.store.migrate import SchemaMismatch

#: What a person can do something about; everything else is a defect, and is said so.
_EXPECTED: Final = (ConfigError, ConnectorError, DatabaseBusy, SchemaMismatch, SystemMissing, LookupError, OSError)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock")
def cli() -> None:
    """Crossdock: orders into the ERP. Nothing lost, nothing doubled, everything explained."""


for command in (
    demo,
    *processes.COMMANDS,
    *backing.COMMANDS,
    *keeping.COMMANDS,
    *moving.COMMANDS,
    *importing.COMMANDS,
    *orders.COMMANDS,
    *steering.COMMANDS,
    *correcting.COMMANDS,
    issues.issue,
    *switching.COMMANDS,
    lookup.lookup,
    matching.match,
    forecast.forecast_,
    proof.proof,
    stock.stock,
    doctor.doctor,
    alerts.alerts,
    rewinding.rewind,
    users.user,
    explaining.explain,
    tokens.token,
    installing.install,
    mapping.mapping,
    sandbox.sandbox,
    scaffolding.new_connector,
):
    cli.add_command(command)


def main() -> None:
    """The console script: exit status 0 done, 1 failed, 2 wrong usage; errors in plain words on stderr."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        say_error("stopped")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DBAPIError as error:
        say_error(f"the database cannot be used: {error.orig}; check CROSSDOCK_DATABASE")
        sys.exit(1)
    except _EXPECTED as error:
        say_error(str(error) or type(error).__name__)
        sys.exit(1)
