"""`doctor`: everything that can be checked before an order finds out, and what to do."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Final

import click
from rich.markup import escape

from config.logging import configure_logging
from config.problems import ConfigError
from config.settings import Settings
from connectors.kit.base import SalesTarget
from connectors.kit.findings import Finding, Level
from connectors.kit.shelf import RedisShelf
from connectors.kit.throttle import redis_pool
from connectors.registry import has
from sync.cli.console import actor, err, out, progress
from sync.desk.doctor import KeyProof, Line, Patient, Report, examine, examine_connection, keep_report, prove_key
from sync.desk.doctor.connection import CHECKS
from sync.desk.doctor.examine import connection_section
from sync.desk.doctor.preparing import Made, crm_of, is_open, lacking, make
from sync.desk.doctor.running import Section
from sync.rules.systems import Systems, read_config, settle_s
from sync.store.engine import DatabaseBusy, Store
from sync.store.migrate import demand_schema, schema_problem
from sync.work import checkup

#: Nobody waits for longer; what is not known by then is said to be unknown.
_TOTAL_S: Final = 60.0
#: Icon and colour; the word beside it says the same.
_MARKS: Final = {
    Level.OK: ("✓", "green"),
    Level.WARN: ("!", "yellow"),
    Level.FAIL: ("✗", "bold red"),
    Level.UNKNOWN: ("?", "magenta"),
}
_WIDTH: Final = 100


@click.command()
@click.argument("connection", required=False)
@click.option("--prove-key", metavar="CONNECTION", help="Make a test sale twice in this ERP, and remove it.")
@click.option(
    "--create", "channel", metavar="CHANNEL", help="Make the fields and products that it presumes, if you agree."
)
@click.option("--yes", is_flag=True, help="With --create: do not ask.")
@click.option("--timeout", type=click.FloatRange(1, 600), default=_TOTAL_S, show_default=True, help="Seconds in all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(
    connection: str | None, prove_key: str | None, channel: str | None, timeout: float, *, yes: bool, as_json: bool
) -> None:
    """Check the installation and every connection, or one CONNECTION alone, and say what to do; changes nothing.

    Exit status 1 where something failed, 0 otherwise, also with warnings and with what nobody could find out: `ready`
    of --json is true only where nothing failed and nothing is open. --prove-key writes to the ERP: one draft
    without content, created twice under one key to see the second one refused, and deleted again. --create writes
    what the channel's mapping profile and policies presume and the systems do not have.
    """
    if sum(each is not None for each in (connection, prove_key, channel)) > 1:
        raise click.UsageError("one at a time: a connection to look at, --prove-key or --create")
    settings = Settings.from_env()
    redactor = configure_logging(settings, "doctor", stream=sys.stderr)
    with _patient(settings) as patient:
        if patient.config is not None:
            redactor.add(patient.config.secrets())
        if prove_key is not None:
            _prove(patient, prove_key, as_json=as_json)
            return
        if channel is not None:
            _create(patient, channel, yes=yes)
            return
        if connection is None:
            report = _examined(patient, timeout)
            _keep(patient, report)
        else:
            report = _examined_alone(patient, connection, timeout)
            _keep(patient, report, connection_section(connection))
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        _show(report)
    sys.exit(0 if report.ok else 1)


@contextlib.contextmanager
def _patient(settings: Settings) -> Iterator[Patient]:
    """Also where the configuration cannot be used: everything else is looked at all the same."""
    store = Store.open(settings.database_url.reveal())
    queue = redis_pool(settings.redis_url.reveal())
    try:
        try:
            systems = Systems(read_config(settings), shelf=RedisShelf(queue))
        except ConfigError as error:
            yield Patient(settings=settings, store=store, systems=None, problems=error.problems)
            return
        try:
            yield Patient(settings=settings, store=store, systems=systems)
        finally:
            systems.close()
    finally:
        queue.disconnect()
        store.close()


def _examined(patient: Patient, total_s: float) -> Report:
    queue = Section("queue", checkup.CHECKS, lambda: checkup.check_queue(patient.settings))
    with progress("checking") as (bar, task):

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return examine(patient, [queue], total_s=total_s, progress=show)


def _examined_alone(patient: Patient, name: str, total_s: float) -> Report:
    _named_connection(patient, name, "CONNECTION")
    return examine_connection(patient, name, total_s=total_s)


def _named_connection(patient: Patient, name: str, where: str) -> Systems:
    """The systems, where the configuration can be used and has this connection. Raises ConfigError, BadParameter."""
    if patient.systems is None:
        raise ConfigError(patient.problems)
    configured = patient.systems.config.connections
    if name not in configured:
        known = ", ".join(sorted(configured)) or "none"
        raise click.BadParameter(f"there is no connection {name!r}; configured are: {known}", param_hint=where)
    return patient.systems


def _keep(patient: Patient, report: Report, subject: str = "") -> None:
    """For the console; a database that cannot be written to is in the report already."""
    with contextlib.suppress(DatabaseBusy):
        if not _is_unusable(report) and not schema_problem(patient.store):
            keep_report(patient.store, report, subject)


def _is_unusable(report: Report) -> bool:
    return any(
        line.finding.check == "installation.database" and line.finding.level is Level.FAIL for line in report.lines
    )


def _show(report: Report) -> None:
    for section, lines in report.sections().items():
        out.print(f"[bold]{escape(section)}[/]")
        for (waits, found), group in itertools.groupby(lines, key=_waiting):
            if waits:
                ids = ", ".join(line.finding.check for line in group)
                out.print(f"  [magenta]? unknown[/] {escape(found)}  [dim]{ids}[/]")
            else:
                for line in group:
                    _show_line(line)
    _show_verdict(report)


def _waiting(line: Line) -> tuple[bool, str]:
    """Checks that were not made for one and the same reason are one line."""
    finding = line.finding
    waits = finding.level is Level.UNKNOWN and not finding.next_step
    return waits, finding.found if waits else ""


def _show_line(line: Line) -> None:
    finding = line.finding
    mark, style = _MARKS[finding.level]
    expected = f" (expected: {finding.expected})" if finding.expected else ""
    first, *more = f"{finding.found}{expected}".splitlines() or [""]
    out.print(f"  [{style}]{mark} {finding.level:<7}[/] {escape(line.title)}: {escape(first)}  [dim]{finding.check}[/]")
    for text in more:
        out.print(textwrap.indent(text, " " * 12), markup=False)
    if finding.next_step:
        out.print(_indented(f"-> {finding.next_step}"), markup=False)


def _indented(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH - 12, break_long_words=False, break_on_hyphens=False, subsequent_indent="   ")
    return textwrap.indent("\n".join(lines), " " * 12)


def _show_verdict(report: Report) -> None:
    counts = ", ".join(f"{report.count(level)} {level}" for level in Level if report.count(level))
    out.print(f"\n[bold]Score {report.score} of 100[/]: {counts}. {report.verdict}")
    if report.todo:
        out.print("[bold]To do before going live[/], the gravest first:")
    for number, line in enumerate(report.todo, 1):
        step = line.finding.next_step or line.finding.found
        told = f"{number}. {line.section}, {line.title}: {' '.join(step.split())}"
        out.print(textwrap.fill(told, _WIDTH, initial_indent="  ", subsequent_indent="     "), markup=False)


def _prove(patient: Patient, name: str, *, as_json: bool) -> None:
    systems = _named_connection(patient, name, "--prove-key")
    demand_schema(patient.store)
    config = systems.config
    target = systems.connector(name)
    if not has(target, SalesTarget):
        raise click.BadParameter(f"{name} takes no sales, so it has no key to prove", param_hint="--prove-key")
    err.print(f"making a test sale in {escape(name)}, and removing it again")
    settle = settle_s(config.connections[name], target)
    proof = prove_key(patient.store, target, name, settle_s=settle, actor=actor())
    _show_proof(proof, as_json=as_json)
    sys.exit(0 if proof.ok else 1)


def _create(patient: Patient, name: str, *, yes: bool) -> None:
    if patient.systems is None:
        raise ConfigError(patient.problems)
    demand_schema(patient.store)
    known = patient.systems.config.channels
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise click.BadParameter(f"there is no channel {name!r}; configured are: {there}", param_hint="--create")
    systems, crm = patient.systems.channel(name), crm_of(patient.systems, name)
    lacks = lacking(patient.store, systems, crm)
    for lack in lacks:
        can = "" if lack.makes else ", which is made over there by hand"
        out.print(f"{lack.connection} has no {lack.need.kind} {lack.need}{can}", markup=False)
    wanted = [lack for lack in lacks if lack.makes]
    if not wanted:
        out.print("nothing is lacking that could be made from here")
        sys.exit(1 if lacks else 0)
    if not yes:
        click.confirm(f"make {len(wanted)} of them?", abort=True, err=True)
    failed = len(lacks) - len(wanted)
    for made in make(patient.store, systems, wanted, actor(), crm):
        failed += made.error is not None
        out.print(f"{made.lack.need}: {_came_of(made)}", markup=False)
    sys.exit(1 if failed else 0)


def _came_of(made: Made) -> str:
    if made.error is None:
        return "made"
    if is_open(made):
        return f"nobody knows ({made.error}); look in {made.lack.connection} before you try again"
    return f"not made: {made.error}"


def _show_proof(proof: KeyProof, *, as_json: bool) -> None:
    finding: Finding = proof.finding
    line = Line(f"connection:{proof.connection}", CHECKS[finding.check], finding)
    if as_json:
        click.echo(json.dumps({**line.to_json(), "proven": proof.ok, "left": list(proof.left)}, ensure_ascii=False))
    else:
        _show_line(line)
