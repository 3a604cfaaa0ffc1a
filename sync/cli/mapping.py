"""`mapping`: what a mapping makes of files, with a profile or without, and whether a profile is right."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.pretty import Pretty

from config.model import Routing, RoutingRule
from config.settings import Settings
from mappings.base import NO_FACTS, JsonDict, SourceOptions, TargetOptions
from mappings.canonical.errors import Problems, conditions_for
from mappings.canonical.jsontext import read_json
from mappings.canonical.schemas import order_to_json
from mappings.profiles import Profile, read_profile
from mappings.profiles.checks import check_profile
from mappings.profiles.lineage import LookedUp, Origin
from mappings.profiles.schema import text as schema_text
from mappings.registry import SOURCES
from mappings.tryout import Trial, TryResult, try_mapping
from sync.cli.checking import check_channel, finding_to_json, tell_finding
from sync.cli.console import err, out
from sync.cli.publishing import COMMANDS, try_order
from sync.desk.regression import DOCUMENTS
from sync.rules.lookup_tables import KNOWN_FACTS
from sync.rules.routing import fitting
from sync.rules.systems import read_config


@click.group()
def mapping() -> None:
    """Look at mappings and mapping profiles, and publish them."""


for _command in COMMANDS:
    mapping.add_command(_command)


@dataclasses.dataclass(frozen=True, slots=True)
class _Rows:
    """Look-up rows that were typed."""

    rows: Mapping[tuple[str, str], str]

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> str | None:  # noqa: ARG002
        """The row's other side: what is typed has no conditions."""
        return self.rows.get((table, value))


@mapping.command("try")
@click.argument("system", default="")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--order", "number", metavar="CHANNEL/ID", help="Instead: a stored order, up to the last call. Alone.")
@click.option("--draft", is_flag=True, help="With --order: by the draft of its channel, or by the text of --profile.")
@click.option("--to", help="Show the payload for this ERP system instead of the canonical order.")
@click.option("--profile", "profile_file", type=click.Path(path_type=Path), help="With the rules of this profile.")
@click.option("--lookup", "rows", nargs=3, multiple=True, metavar="TABLE VALUE TARGET", help="A look-up row to use.")
@click.option("--trace", is_flag=True, help="Also where each field came from.")
@click.option("--channel", help="Also which routing rules of this channel of your configuration fit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def try_files(
    *,
    system: str,
    files: tuple[Path, ...],
    number: str | None,
    draft: bool,
    to: str | None,
    profile_file: Path | None,
    rows: tuple[tuple[str, str, str], ...],
    channel: str | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Print the canonical order (or with --to the ERP payload) of each FILE of SYSTEM, or its problems.

    SYSTEM is `none` for a profile that is a whole mapping. Exit status 1 if any could not be mapped. Needs no
    installation: nothing is read but the files, and with --channel the configuration. What is in stock decides between
    the rules that fit; it is not asked here.

    With --order the exact calls are told that a drain would send for an order of this installation, by what is
    published, by the draft (--draft), or by a file (--profile). The shop and the ERP are asked, and nothing is written.
    """
    if number is not None:
        try_order(number, draft=draft, file=profile_file, as_json=as_json)
        return
    if draft or not system or not files:
        raise click.UsageError("expected SYSTEM and FILES, or --order CHANNEL/ID")
    routing = _routing(channel) if channel else Routing()
    lookup = _Rows({(table, value): target for table, value, target in rows})
    trial = Trial(
        system=system,
        to=to,
        profile=None if profile_file is None else _profile(profile_file),
        trace=trace,
        source_options=SourceOptions(lookup=lookup),
        target_options=TargetOptions(channel="try", lookup=lookup),
    )
    ok = True
    for file in files:
        for result in try_mapping(trial, _data(file)):
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


@mapping.command("check")
@click.argument("what", metavar="FILE|CHANNEL")
@click.option("--sample", "samples", multiple=True, type=click.Path(path_type=Path), help="A document of the source.")
@click.option("--table", "tables", multiple=True, help="A look-up table that there is; none named: not checked.")
@click.option("--draft", is_flag=True, help="Of a channel: its draft, and not what applies.")
@click.option(
    "--documents", type=click.IntRange(0, 1_000), default=DOCUMENTS, show_default=True, help="Of a channel: how many."
)
@click.option("--strict", is_flag=True, help="Exit status 1 for anything that there is to say.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def check(
    what: str,
    samples: tuple[Path, ...],
    tables: tuple[str, ...],
    *,
    draft: bool,
    documents: int,
    strict: bool,
    as_json: bool,
) -> None:
    """Say what is wrong or doubtful with a mapping profile, each with line and column.

    Of the profile in FILE: with samples, paths that none of them has are named, and every sample is mapped. Needs no
    installation. Exit status 1 for an error or a sample that cannot be mapped; a warning is none.

    Of CHANNEL what applies, or its draft: the newest orders that are stored are the samples, and the look-up tables are
    those of the installation. Nothing is asked of the shop or the ERP. Exit status 1 for an error; an order that cannot
    be mapped may be wrong itself, and counts with --strict, as warnings do. Exit status 2 where there is no such text.
    """
    file = Path(what)
    if draft or not (file.is_file() or file.suffix in {".yaml", ".yml"}):
        if samples or tables:
            raise click.UsageError("a channel's samples and tables are those of the installation")
        check_channel(what, draft=draft, documents=documents, strict=strict, as_json=as_json)
        return
    profile = _profile(file)
    sampled = [document for sample in samples for document in _documents(sample)]
    known = {name: KNOWN_FACTS.get(name) for name in tables}
    findings = check_profile(profile, SOURCES.get(profile.extends), sampled, known or None)
    for finding in findings:
        if as_json:
            click.echo(finding_to_json(finding))
        else:
            tell_finding(finding)
    failed = sum(0 if result.ok else 1 for sample in samples for result in _mapped(profile, sample))
    if not as_json and not findings and not failed:
        mapped = f", {len(sampled)} samples mapped" if samples else ""
        out.print(f"{profile.name}: nothing to say against it{mapped}")
    sys.exit(1 if failed or any(strict or finding.severity == "error" for finding in findings) else 0)


@mapping.command("schema")
def schema() -> None:
    """Print the JSON Schema of mapping profiles, for editors."""
    click.echo(schema_text(), nl=False)


def _profile(file: Path) -> Profile:
    """Raises ProfileError, which is told with all its places."""
    try:
        text = _data(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8 text") from error
    return read_profile(text, str(file))


def _documents(sample: Path) -> list[JsonDict]:
    try:
        value = read_json(_data(sample))
    except Problems as error:
        raise click.ClickException(f"{sample}: {error}") from error
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _mapped(profile: Profile, sample: Path) -> list[TryResult]:
    results = try_mapping(Trial(system=profile.extends, profile=profile), _data(sample))
    for result in results:
        # What waits for a row of a look-up table says nothing against the profile.
        if any(problem.cause != "unmapped" for problem in result.problems):
            _show(sample, result)
    return [result for result in results if any(problem.cause != "unmapped" for problem in result.problems)]


def _routing(channel: str) -> Routing:
    config = read_config(Settings.from_env())
    if channel not in config.channels:
        raise click.ClickException(f"there is no channel {channel}; there are {', '.join(sorted(config.channels))}")
    return config.channels[channel].routing


def _rule(rule: RoutingRule) -> dict[str, object]:
    return {"rule": rule.name, "warehouses": list(rule.warehouses), "needs": str(rule.needs)}


def _data(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error


def _show(file: Path, result: TryResult) -> None:
    name = escape(f"{file}{result.element}")
    if result.ok:
        shown = result.payload if result.payload is not None else order_to_json(result.order)  # type: ignore[arg-type]
        out.print(f"[bold]{name}[/]")
        out.print(Pretty(shown, expand_all=True))
        for origin in result.origins:
            out.print(_told(origin), markup=False, emoji=False)
        return
    err.print(f"[bold red]{name}[/] cannot be mapped:")
    for problem in result.problems:
        err.print(f"  {problem.path}: {problem.reason}" if problem.path else f"  {problem.reason}", markup=False)


def _told(origin: Origin) -> str:
    """`lines[0].sku = 'A'  copy at shop.yaml:7:5, from item.sku = 'a', sku 'a' -> 'A'`."""
    reads = "".join(f", from {read.path} = {_short(read.value)}" for read in origin.reads)
    rows = "".join(f", {row.table} {row.value!r}{_with(row)} -> {row.found!r}" for row in origin.lookups)
    word = f"{origin.word} at " if origin.by == "rule" else ""
    return f"  {origin.field} = {_short(origin.value)}  {word}{origin.where}{reads}{rows}"


def _with(row: LookedUp) -> str:
    told = conditions_for(row.facts)
    return f" with {told}" if told else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a terminal
