"""`mapping try`: what a mapping makes of files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.markup import escape
from rich.pretty import Pretty

from config.model import Routing, RoutingRule
from config.settings import Settings
from mappings.canonical.schemas import order_to_json
from mappings.tryout import TryResult, try_document
from sync.cli.console import err, out
from sync.rules.routing import fitting
from sync.rules.systems import read_config


@click.group()
def mapping() -> None:
    """Look at mappings."""


@mapping.command("try")
@click.argument("system")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", help="Show the payload for this ERP system instead of the canonical order.")
@click.option("--channel", help="Also which routing rules of this channel of your configuration fit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def try_files(system: str, files: tuple[Path, ...], to: str | None, channel: str | None, *, as_json: bool) -> None:
    """Print the canonical order (or with --to the ERP payload) of each FILE of SYSTEM, or its problems.

    Exit status 1 if any could not be mapped. Needs no installation: nothing is read but the files, and with --channel
    the configuration. What is in stock decides between the rules that fit; it is not asked here.
    """
    routing = _routing(channel) if channel else Routing()
    ok = True
    for file in files:
        for result in _results(system, file, to):
            ok = ok and result.ok
            fit = [] if result.order is None else fitting(routing, result.order)
            if as_json:
                shown = result.to_json(str(file)) | ({"routing": [_rule(rule) for rule in fit]} if channel else {})
                click.echo(json.dumps(shown, ensure_ascii=False, default=str))
            else:
                _show(file, result)
                for rule in fit:
                    out.print(f"  may be sent by rule {rule.name} from {', '.join(rule.warehouses)} ({rule.needs})")
    sys.exit(0 if ok else 1)


def _routing(channel: str) -> Routing:
    config = read_config(Settings.from_env())
    if channel not in config.channels:
        raise click.ClickException(f"there is no channel {channel}; there are {', '.join(sorted(config.channels))}")
    return config.channels[channel].routing


def _rule(rule: RoutingRule) -> dict[str, object]:
    return {"rule": rule.name, "warehouses": list(rule.warehouses), "needs": str(rule.needs)}


def _results(system: str, file: Path, to: str | None) -> list[TryResult]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    return try_document(system, data, to=to)


def _show(file: Path, result: TryResult) -> None:
    name = escape(f"{file}{result.element}")
    if result.ok:
        shown = result.payload if result.payload is not None else order_to_json(result.order)  # type: ignore[arg-type]
        out.print(f"[bold]{name}[/]")
        out.print(Pretty(shown, expand_all=True))
        return
    err.print(f"[bold red]{name}[/] cannot be mapped:")
    for problem in result.problems:
        err.print(f"  {problem.path}: {problem.reason}" if problem.path else f"  {problem.reason}", markup=False)
