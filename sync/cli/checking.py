"""`mapping check CHANNEL`: a text of a channel's profile, held against the orders that are stored."""

from __future__ import annotations

import dataclasses
import json
import sys

import click
from rich.markup import escape

from mappings.profiles.checks import Finding
from sync.cli.console import opened, out, progress
from sync.desk.phrases import Refusal
from sync.desk.profile_checks import Checkup, check_text
from sync.desk.profile_texts import DRAFT, Text, applying_text, find_text
from sync.work.runtime import Runtime


def check_channel(channel: str, *, draft: bool, documents: int, strict: bool, as_json: bool) -> None:
    """Check what applies to a channel, or its draft, and exit: 0 for nothing wrong, 1 for that, 2 for no such text."""
    with opened(dry_run=True) as runtime:
        if channel not in runtime.config.channels:
            known = ", ".join(sorted(runtime.config.channels)) or "none"
            raise click.UsageError(f"there is no file {channel!r} and no channel; channels are: {known}")
        text = _text(runtime, channel, draft=draft)
        with progress("checking"):
            found = check_text(runtime.store, runtime.systems, channel, text, documents=documents)
    if as_json:
        _print_json(found)
    else:
        _tell_checkup(found)
    sys.exit(1 if found.wrong or (strict and found.doubtful) else 0)


def _text(runtime: Runtime, channel: str, *, draft: bool) -> Text:
    """Raises click.UsageError: to check nothing must not look like to find nothing."""
    if not draft:
        text = applying_text(runtime.store, runtime.config, channel)
        if not text.text:
            raise click.UsageError(f"{channel} has no mapping profile: the systems' own mappings are all")
        return text
    try:
        return find_text(runtime.store, runtime.config, channel, DRAFT)
    except Refusal as refusal:
        raise click.UsageError(str(refusal)) from refusal


def _print_json(found: Checkup) -> None:
    for finding in found.findings:
        click.echo(finding_to_json(finding))
    for turned in found.stopping:
        reasons = [{"path": path, "reason": str(reason)} for path, reason in turned.reasons]
        click.echo(json.dumps({"order": turned.external_id, "reasons": reasons}, ensure_ascii=False))


def _tell_checkup(found: Checkup) -> None:
    for finding in found.findings:
        tell_finding(finding)
    for turned in found.stopping:
        reasons = "; ".join(f"{path}: {reason}" if path else str(reason) for path, reason in turned.reasons)
        out.print(f"order {turned.external_id} cannot be mapped: {reasons}", markup=False, emoji=False)
    if found.stopped:
        out.print(f"{found.stopped} of {found.documents} stored orders cannot be mapped")
    if not found.doubtful:
        out.print(f"{found.name}: nothing to say against it, {found.documents} stored orders mapped", markup=False)


def finding_to_json(finding: Finding) -> str:
    """One line."""
    told = {**dataclasses.asdict(finding), "place": str(finding.place)}
    return json.dumps(told, ensure_ascii=False, default=str)


def tell_finding(finding: Finding) -> None:
    """One line, coloured by how grave it is."""
    style = "red" if finding.severity == "error" else "yellow"
    out.print(f"[{style}]{escape(str(finding))}[/]")
