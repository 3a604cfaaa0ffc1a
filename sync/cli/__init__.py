"""`crossdock ...`: everything that people do from a terminal."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

#: Command -> where it is, in the order in which they are listed.
_PLACES: Final[Mapping[str, str]] = {
    "demo": "sync.cli.demo:demo",
    "init": "sync.cli.processes:init",
    "run": "sync.cli.processes:run",
    "web": "sync.cli.web:web",
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
        if not gc.isenabled():
            # As `main` has it: what is there now stays.
            gc.freeze()
            gc.enable()
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock")
def cli() -> None:
    """Crossdock: orders into the ERP. Nothing lost, nothing doubled, everything explained."""


def main() -> None:
    """The console script: exit status 0 done, 1 failed, 2 wrong usage; errors in plain words on stderr."""
    # Nothing that is imported is garbage, and looking through it again and again is a fifth of every start.
    gc.disable()
    try:
        status = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except Exception as error:  # noqa: BLE001 -- what nobody expects is raised again there
        # By name: what an error is told with takes longer to import than many a command.
        status = importlib.import_module("sync.cli.failing").tell(error)
    sys.exit(status)
