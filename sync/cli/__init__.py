"""`crossdock ...`: everything that people do from a terminal."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
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


#: Command -> where it is, in the order in which they are listed.
_PLACES: Final[Mapping[str, str]] = {
    "demo": "sync.cli.demo:demo",
    "init": "sync.cli.processes:init",
    "run": "sync.cli.processes:run",
    "web": "sync.cli.processes:web",
    "worker": "sync.cli.processes:worker",
    "scheduler": "sync.cli.processes:scheduler",
    "backup": "sync.cli.backing:backup",
    "restore": "sync.cli.backing:restore",
    "purge": "sync.cli.keeping:purge_command",
    "erase": "sync.cli.keeping:erase",
    "pull": "sync.cli.moving:pull",
    "backfill": "sync.cli.moving:backfill",
    "adopt": "sync.cli.moving:adopt",
    "import-csv": "sync.cli.importing:import_csv",
    "read-again": "sync.cli.importing:read_again",
    "status": "sync.cli.orders:status",
    "orders": "sync.cli.orders:orders",
    "order": "sync.cli.orders:order",
    "assign": "sync.cli.steering:assign",
    "comment": "sync.cli.steering:comment",
    "retry": "sync.cli.steering:retry",
    "approve": "sync.cli.steering:approve",
    "reject": "sync.cli.steering:reject",
    "link": "sync.cli.steering:link",
    "correct": "sync.cli.correcting:correct",
    "issue": "sync.cli.issues:issue",
    "pause": "sync.cli.switching:pause",
    "resume": "sync.cli.switching:resume",
    "lookup": "sync.cli.lookup:lookup",
    "match": "sync.cli.matching:match",
    "forecast": "sync.cli.forecast:forecast_",
    "proof": "sync.cli.proof:proof",
    "stock": "sync.cli.stock:stock",
    "doctor": "sync.cli.doctor:doctor",
    "alerts": "sync.cli.alerts:alerts",
    "rewind": "sync.cli.rewinding:rewind",
    "user": "sync.cli.users:user",
    "explain": "sync.cli.explaining:explain",
    "token": "sync.cli.tokens:token",
    "install": "sync.cli.installing:install",
    "mapping": "sync.cli.mapping:mapping",
    "new-connector": "sync.cli.scaffolding:new_connector",
    "sandbox": "sync.cli.sandbox:sandbox",
}


class _Commands(click.Group):
    """Imports the command that is wanted and no other: all of them together take a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        """Every name, sorted."""
        return sorted(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        """The command of this name; None where there is none."""
        if cmd_name not in _PLACES:
            return None
        module, _, name = _PLACES[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock")
def cli() -> None:
    """Crossdock: orders into the ERP. Nothing lost, nothing doubled, everything explained."""


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
