"""`mapping list`, `draft`, `diff`, `replay`, `publish`, `rollback`, `export`: revisions of a channel's profile."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from config.model import ProfileFile
from mappings.profiles import Profile
from sync.cli.console import actor, opened, out, progress
from sync.cli.moving import channel_of
from sync.cli.orders import print_dry_run
from sync.desk.gate import Examination, GateShut, examine
from sync.desk.passport import find_order, revision_to_json
from sync.desk.phrases import Refusal
from sync.desk.profile_texts import DRAFT, FILE, PUBLISHED, Text, applying_text, find_text, standings
from sync.desk.profiles import Publication, demand_profile, publish, roll_back, save_draft
from sync.desk.regression import DOCUMENTS, Replay, masked_documents
from sync.rules.profile_changes import RuleChange, rule_changes, unified
from sync.store.bodies import dump_json
from sync.store.revisions import Revision, list_revisions, published_number
from sync.work.rehearse import dry_run
from sync.work.runtime import Runtime

_WHICH: Final = "`published`, `draft`, `file` (of the configuration), the number of a revision, or a file's path"
#: Lines of differences that are told at a terminal; --json has all.
_SHOWN: Final = 40
_HISTORY: Final = 50
_SHUT: Final = (
    "{refusal}: nothing was published. {channel} has `publish_gate: no_new_failures`; "
    "correct the text, or say why it goes all the same with --despite-gate WHY"
)
documents_option = click.option(
    "--documents", type=click.IntRange(1, 10_000), default=DOCUMENTS, show_default=True, help="How many, the newest."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


class NoText(click.ClickException):
    """There is no such text; of the commands whose exit status 1 says that there is one and what it is like."""

    exit_code = 2


def text_of(runtime: Runtime, channel: str, word: str) -> Text:
    """The text that is meant. Raises NoText."""
    if word in {PUBLISHED, DRAFT, FILE} or word.isdecimal():
        try:
            return find_text(runtime.store, runtime.config, channel, word)
        except Refusal as refusal:
            raise NoText(str(refusal)) from refusal
    path = Path(word)
    try:
        return Text(word, path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise NoText(f"{word} cannot be read: {error.strerror}; expected {_WHICH}") from error
    except UnicodeDecodeError as error:
        raise NoText(f"{word} is not UTF-8 text") from error


def _profile(runtime: Runtime, channel: str, text: Text) -> Profile | None:
    """None where nothing applies yet. Raises ConfigError with all that is wrong, each with its place."""
    return demand_profile(runtime.config, channel, text.text, text.name) if text.text else None


@click.command("list")
@click.argument("channel", default="")
@json_option
def list_(channel: str, *, as_json: bool) -> None:
    """What is published for each channel; with CHANNEL its revisions, the newest first."""
    with opened() as runtime:
        if channel:
            name = channel_of(runtime, channel)
            _tell_history(runtime.store.read(lambda c: list_revisions(c, name, _HISTORY)), as_json=as_json)
            return
        found = standings(runtime.store, runtime.config)
    if as_json:
        told = [
            {
                "channel": each.channel,
                "profile": each.profile.version if each.profile else None,
                "revision": revision_to_json(each.published) if each.published else None,
                "draft": each.draft.seen if each.draft else None,
                "file": each.file or None,
                "file_differs": each.file_differs,
            }
            for each in found
        ]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    table = Table("channel", "what applies", "published by", "at", "why", "draft")
    for each in found:
        now = each.published
        file = f"{each.file} (not published)" if each.file else "no profile"
        row = (f"revision {now.number}", now.author, _moment(now), now.reason) if now else (file, "", "", "")
        table.add_row(*map(escape, (each.channel, *row, each.draft.seen if each.draft else "")))
    out.print(table)
    for each in found:
        if each.file_differs:
            out.print(escape(f"{each.channel}: {each.file} says something else than what is published; it is ignored"))


def _tell_history(found: list[Revision], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([revision_to_json(each) for each in found], ensure_ascii=False))
        return
    table = Table("revision", "published by", "at", "why", "text of")
    for each in found:
        again = f"revision {each.text_of}" if each.text_of else ""
        table.add_row(*map(escape, (str(each.number), each.author, _moment(each), each.reason, again)))
    out.print(table)


@click.command("draft")
@click.argument("channel")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--at", "seen", default="", help="The version of the draft that it was made from; none: there was none.")
@click.option("--onto", type=click.IntRange(0), help="The published revision that it was compared with.")
def draft_(channel: str, file: str, *, seen: str, onto: int | None) -> None:
    """Keep FILE as the draft of CHANNEL. If somebody has saved another one since, nothing is kept."""
    with opened() as runtime:
        name = channel_of(runtime, channel)
        text = text_of(runtime, name, f"./{file}" if not Path(file).is_absolute() else file)
        try:
            kept = save_draft(runtime.store, runtime.config, name, text.text, actor=actor(), seen=seen, onto=onto)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal
        out.print(f"{name}: draft {kept.seen}, made from revision {kept.base}")


@click.command("diff")
@click.argument("channel")
@click.argument("before", default=PUBLISHED)
@click.argument("after", default=DRAFT)
@json_option
def diff_(channel: str, before: str, after: str, *, as_json: bool) -> None:
    """Compare two texts of the profile of CHANNEL, in words and line by line: what is published and the draft.

    Each is `published`, `draft`, `file` (of the configuration), the number of a revision, or a file's path. Exit status
    1 if they differ.
    """
    with opened() as runtime:
        name = channel_of(runtime, channel)
        old, new = text_of(runtime, name, before), text_of(runtime, name, after)
        changes = rule_changes(_profile(runtime, name, old), _profile(runtime, name, new))
    lines = unified(old.text, new.text, (old.name, new.name))
    if as_json:
        told = [
            {"kind": each.kind, "where": each.where, "before": each.before, "after": each.after} for each in changes
        ]
        click.echo(json.dumps({"rules": told, "lines": lines}, ensure_ascii=False))
    else:
        _tell_rules(changes)
        for line in lines:
            out.print(line, markup=False, emoji=False)
    sys.exit(1 if lines else 0)


def _tell_rules(changes: list[RuleChange]) -> None:
    for each in changes:
        said = f"{each.before} -> {each.after}" if each.kind == "changed" else each.before or each.after
        out.print(f"{each.kind} {each.where}: {said}", markup=False, emoji=False)


@click.command("replay")
@click.argument("channel")
@click.argument("text", default=DRAFT)
@documents_option
@click.option("--export", "file", type=click.Path(path_type=Path), help="Write the documents, people masked, here.")
@json_option
def replay_(channel: str, text: str, *, documents: int, file: Path | None, as_json: bool) -> None:
    """Map the newest orders of CHANNEL by TEXT (the draft) and by what applies, and tell what is different.

    Nothing is asked of the shop or the ERP, and nothing is written. Exit status 1 if an order newly fails.
    """
    with opened(dry_run=True) as runtime:
        name = channel_of(runtime, channel)
        if file is not None:
            count = _export(runtime, name, file, documents)
            out.print(f"{file}: {count} documents; names, e-mails, phones and streets are pseudonyms")
            return
        found = _examined(runtime, name, text_of(runtime, name, text), documents).replay
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        tell_replay(found)
    sys.exit(1 if found.newly_fail else 0)


def _export(runtime: Runtime, channel: str, file: Path, documents: int) -> int:
    made = masked_documents(runtime.store, runtime.systems.channel(channel), documents)
    count = 0
    with file.open("wb") as target:
        for count, payload in enumerate(made, start=1):
            target.write((b"[\n" if count == 1 else b",\n") + dump_json(payload))
        target.write(b"\n]\n" if count else b"[]\n")
    return count


def _examined(runtime: Runtime, channel: str, text: Text, documents: int) -> Examination:
    demand_profile(runtime.config, channel, text.text, text.name)
    file = ProfileFile(text.name, text.text)
    with progress("replaying"):
        return examine(runtime.store, runtime.systems, channel, file, documents=documents)


def tell_replay(found: Replay) -> None:
    """In words."""
    out.print(
        f"{found.documents} documents: {found.changed} changed, {found.newly_fail} newly fail, "
        f"{found.newly_pass} newly pass, {found.fail_still} fail as before"
    )
    for change in found.changes[:_SHOWN]:
        said = f"from {change.before or 'nothing'} to {change.after or 'nothing'}"
        values = said if change.before or change.after else "in other ways"
        who = f"{change.orders} orders change" if change.orders > 1 else "1 order changes"
        text = f"  {who} {change.path} {values} ({', '.join(change.examples)})"
        out.print(text, markup=False, emoji=False)
    if len(found.changes) > _SHOWN:
        out.print(f"  and {len(found.changes) - _SHOWN} more differences; --json tells all")
    for word, listed in (("newly fails", found.failing), ("newly passes", found.passing)):
        for turned in listed:
            reasons = "; ".join(f"{path}: {reason}" if path else str(reason) for path, reason in turned.reasons)
            out.print(f"  {turned.external_id} {word}: {reasons}", markup=False, emoji=False)


@click.command("publish")
@click.argument("channel")
@click.argument("text", default=DRAFT)
@click.option("--reason", required=True, help="Why; it stays with the revision.")
@click.option("--base", type=click.IntRange(0), help="The revision that it was made from; else the published one.")
@click.option("--max-changes", type=click.IntRange(0), help="Not if more orders than that would be different.")
@click.option("--no-new-failures", is_flag=True, help="Not if an order that can be mapped now could not be any more.")
@click.option("--despite-gate", "despite", default="", metavar="WHY", help="Though `publish_gate` is against it: why.")
@documents_option
@json_option
def publish_(
    channel: str,
    text: str,
    *,
    reason: str,
    base: int | None,
    max_changes: int | None,
    no_new_failures: bool,
    despite: str,
    documents: int,
    as_json: bool,
) -> None:
    """Make TEXT (the draft) what applies to CHANNEL from the next batch on, after telling what it changes.

    Exit status 1, and nothing is published, if it is wrong, if somebody has published meanwhile, or if it changes more
    than is allowed here or by the `publish_gate` of CHANNEL. The terminal is an admin's: --despite-gate goes through
    that gate, and the reason is written down.
    """
    with opened(dry_run=True) as runtime:
        name = channel_of(runtime, channel)
        meant = text_of(runtime, name, text)
        made_from = base if base is not None else meant.base if text == DRAFT else None
        if made_from is None:
            made_from = runtime.store.read(lambda c: published_number(c, name))
        examined = _examined(runtime, name, meant, documents)
        found = examined.replay
        if not as_json:
            tell_replay(found)
        _demand_few(found, max_changes, no_new_failures=no_new_failures)
        try:
            done = publish(
                runtime.store,
                runtime.config,
                name,
                meant.text,
                actor=actor(),
                reason=reason,
                base=made_from,
                examined=examined,
                despite=despite,
            )
        except GateShut as refusal:
            raise click.ClickException(_SHUT.format(channel=name, refusal=refusal)) from refusal
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal
        _tell_done(runtime, name, done, found.to_json() if as_json else None)


def _demand_few(found: Replay, most: int | None, *, no_new_failures: bool) -> None:
    if no_new_failures and found.newly_fail:
        raise click.ClickException(f"{found.newly_fail} orders would newly fail: nothing was published")
    if most is not None and found.differing > most:
        raise click.ClickException(f"{found.differing} orders would differ, at most {most} may: nothing was published")


@click.command("rollback")
@click.argument("channel")
@click.argument("number", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; it stays with the revision.")
@json_option
def rollback(channel: str, number: int, *, reason: str, as_json: bool) -> None:
    """Publish the text of revision NUMBER of CHANNEL again, as a new revision."""
    with opened() as runtime:
        name = channel_of(runtime, channel)
        try:
            done = roll_back(runtime.store, runtime.config, name, number, actor=actor(), reason=reason)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal
        _tell_done(runtime, name, done, {} if as_json else None)


def _tell_done(runtime: Runtime, channel: str, done: Publication, body: dict[str, Any] | None) -> None:
    runtime.bell.ring(channel, "order")
    if body is not None:
        told = {"revision": revision_to_json(done.revision), "released": done.released, "canary": done.canary}
        click.echo(json.dumps({**told, **({"replay": body} if body else {})}, ensure_ascii=False))
        return
    out.print(f"{channel}: revision {done.revision.number} is published")
    if done.released:
        out.print(f"  {done.released} orders that stood still are looked at again")
    if done.canary:
        out.print(f"  the next {done.canary} orders wait for a person, then all of them go")


@click.command("export")
@click.argument("channel")
@click.argument("text", default="")
def export(channel: str, text: str) -> None:
    """Print a text of the profile of CHANNEL: what applies, or `draft`, `file`, or the number of a revision."""
    with opened() as runtime:
        name = channel_of(runtime, channel)
        found = text_of(runtime, name, text) if text else applying_text(runtime.store, runtime.config, name)
    if not found.text:
        raise click.ClickException(f"{name} has no mapping profile: the systems' own mappings are all")
    click.echo(found.text, nl=False)


def _moment(revision: Revision) -> str:
    return f"{revision.published_at:%Y-%m-%d %H:%M} UTC"


def try_order(number: str, *, draft: bool, file: Path | None, as_json: bool) -> None:
    """A dry run of one order, `CHANNEL/ID`, by what is published or by another text. Exits with 1 if it would stop."""
    with opened() as runtime:
        channel, _, external_id = number.partition("/")
        name = channel_of(runtime, channel)
        order = find_order(runtime.store, runtime.config, name, external_id)
        if order is None:
            raise click.ClickException(f"{name} has no order {external_id!r}; expected CHANNEL/ID with the shop's id")
        profile = None
        if draft or file is not None:
            text = text_of(runtime, name, DRAFT if draft else str(file))
            demand_profile(runtime.config, name, text.text, text.name)
            profile = ProfileFile(text.name, text.text)
        report = dry_run(runtime.store, runtime.systems, order, profile=profile)
    print_dry_run(report, as_json=as_json)
    sys.exit(1 if report.problems else 0)


COMMANDS: Final = (list_, draft_, diff_, replay_, publish_, rollback, export)
