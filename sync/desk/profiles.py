"""Drafting, publishing and rolling back the mapping profile of a channel: each revision is kept, with who and why.

What is published is what applies from the next batch on, in every process. Then, in the transaction of the publication
itself, the first orders are held for a person again (`sync.rules.canary`), and whatever stands still is looked at anew.
Orders that are done are left as they are.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from sqlalchemy import Connection

from config.fields import Complaint
from config.model import Channel, Config, ProfileFile
from config.problems import ConfigError, Place, Problem
from config.yamlfile import is_too_long
from mappings.profiles import Profile
from sync.desk.canary import note_channel
from sync.desk.gate import OVERRULED, Examination, demand_open
from sync.desk.phrases import Refusal, say
from sync.rules.profiles import check_profile, name_of_revision, profile_of
from sync.store.audit import Actor, record_audit
from sync.store.channels import channel_state
from sync.store.engine import Store
from sync.store.marking import release
from sync.store.revisions import (
    Draft,
    Revision,
    add_revision,
    load_draft,
    load_published,
    load_revision,
    open_items,
    published_number,
    remove_draft,
    write_draft,
)
from sync.store.states import BULK, STOPPED, ItemState

#: What the audit calls it.
DRAFTED: Final = "profile draft"
PUBLISHED: Final = "profile published"
ROLLED_BACK: Final = "profile rolled back"
#: Stands where the database says when.
_SOON: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: A drain may own some of them: they come again after it, for it may have begun with the text before.
_OPEN: Final = (*STOPPED, ItemState.WAITING, ItemState.LEASED)


class ProfileConflict(Refusal):
    """Somebody else has changed it since the person looked; nothing was kept."""


class NoSuchRevision(Refusal):
    """The channel has no revision of this number."""


@dataclasses.dataclass(frozen=True, slots=True)
class Publication:
    """What was published, and what that has begun."""

    revision: Revision
    #: Orders that stood still and are looked at again.
    released: int
    #: Orders that wait for a person before the others follow.
    canary: int


def subject_of(channel: str) -> str:
    """As the audit names it."""
    return f"profile:{channel}"


def demand_profile(config: Config, channel: str, text: str, name: str) -> Profile:
    """The profile in a text, for this channel. Raises ConfigError with all that is wrong with it."""
    file = ProfileFile(name, text)
    start = Place(name, 1, 1)
    known = config.channels[channel]
    problems = [
        Problem(start, "extends", each.found, each.expected, each.next_step) if isinstance(each, Complaint) else each
        for each in check_profile(file, config.connections[known.source].system)
    ]
    if problems:
        raise ConfigError(problems)
    profile = profile_of(dataclasses.replace(known, profile=file))
    assert profile is not None
    return profile


def save_draft(
    store: Store, config: Config, channel: str, text: str, *, actor: Actor, seen: str = "", onto: int | None = None
) -> Draft:
    """Keep a text as the channel's draft, right or wrong: it is checked when it is published.

    `seen` is `Draft.seen` of the draft that it was made from (empty: there was none), `onto` the revision that it was
    compared with, where that is another one than the draft was begun with. Raises ProfileConflict.
    """
    if is_too_long(text):
        demand_profile(config, channel, text, channel)

    def work(connection: Connection) -> Draft:
        before, number = load_draft(connection, channel), published_number(connection, channel)
        if seen != (before.seen if before else ""):
            raise _draft_changed(before)
        if onto is not None and onto != number:
            raise _published_since(onto, load_published(connection, channel))
        base = number if before is None or onto is not None else before.base
        draft = Draft(
            channel=channel,
            version=1 if before is None else before.version + 1,
            base=base,
            text=text,
            changed_by=actor.name,
            changed_at=_SOON,
        )
        if not write_draft(connection, draft, over=before):
            raise _draft_changed(load_draft(connection, channel))
        record_audit(connection, actor, DRAFTED, subject_of(channel), after=draft.seen)
        kept = load_draft(connection, channel)
        assert kept is not None
        return kept

    return store.write(work)


def _draft_changed(now: Draft | None) -> ProfileConflict:
    if now is None:
        return ProfileConflict(say("the draft that you have read is published or gone; read what applies now"))
    return ProfileConflict(
        say(
            "%(who)s has saved the draft at %(when)s UTC, version %(version)s; "
            "read that one and put your changes in it",
            who=now.changed_by,
            when=f"{now.changed_at:%Y-%m-%d %H:%M}",
            version=now.seen,
        )
    )


def _published_since(base: int, now: Revision | None) -> ProfileConflict:
    return ProfileConflict(
        say(
            "revision %(number)s was published by %(who)s meanwhile, and this text was made from revision %(base)s; "
            "compare them, put their changes in it, and publish it then",
            number=now.number if now else 0,
            who=now.author if now else "",
            base=base,
        )
    )


def publish(
    store: Store,
    config: Config,
    channel: str,
    text: str,
    *,
    actor: Actor,
    reason: str,
    base: int,
    examined: Examination | None = None,
    despite: str = "",
) -> Publication:
    """Make this text what applies. `base` is the revision that it was made from, 0 where there was none.

    A channel with a `publish_gate` wants it `examined` (`sync.desk.gate.examine`); `despite` is why an admin publishes
    what the gate is against: whether somebody is one, the caller knows. A draft of the same text is done with. Raises
    ConfigError with all that is wrong with the text, ProfileConflict, GateShut, Refusal for what says nothing new or
    has no reason.
    """
    author, known = _Author(actor, _demand(reason)), config.channels[channel]
    now = store.read(lambda c: load_published(c, channel))
    if base != (now.number if now else 0):
        raise _published_since(base, now)
    overruled = demand_open(known, text, base, examined, despite=despite)
    author = dataclasses.replace(author, overruled=overruled, despite=despite.strip())
    return _publish(store, config, known, text, author=author, base=base)


def roll_back(store: Store, config: Config, channel: str, number: int, *, actor: Actor, reason: str) -> Publication:
    """Publish the text of an older revision again, as a new one. Raises as `publish` does, and NoSuchRevision."""
    author = _Author(actor, _demand(reason))
    old, now = store.read(lambda c: (load_revision(c, channel, number), published_number(c, channel)))
    if old is None:
        raise NoSuchRevision(say("%(channel)s has no revision %(number)s", channel=channel, number=number))
    return _publish(store, config, config.channels[channel], old.text, author=author, base=now, text_of=number)


@dataclasses.dataclass(frozen=True, slots=True)
class _Author:
    actor: Actor
    reason: str
    #: What the gate had against the text, and why it was published all the same.
    overruled: str = ""
    despite: str = ""


def _demand(reason: str) -> str:
    if not reason.strip():
        raise Refusal(say("say why: those who come after you will ask"))
    return reason.strip()


def _publish(
    store: Store, config: Config, channel: Channel, text: str, *, author: _Author, base: int, text_of: int | None = None
) -> Publication:
    profile = demand_profile(config, channel.name, text, name_of_revision(channel.name, base + 1))

    def work(connection: Connection) -> Publication:
        now = load_published(connection, channel.name)
        if base != (now.number if now else 0):
            raise _published_since(base, now)
        if now is not None and now.text == text:
            raise Refusal(say("this is what revision %(number)s says already", number=now.number))
        wanted = Revision(
            channel=channel.name,
            number=base + 1,
            text=text,
            digest=profile.digest,
            author=author.actor.name[:128],
            reason=author.reason,
            published_at=_SOON,
            text_of=text_of,
        )
        made = add_revision(connection, wanted)
        if made is None:
            raise _published_since(base, load_published(connection, channel.name))
        draft = load_draft(connection, channel.name)
        if draft is not None and draft.text == text:
            remove_draft(connection, channel.name)
        action = PUBLISHED if text_of is None else ROLLED_BACK
        before, after = (f"revision {base}" if base else ""), f"revision {made.number}"
        subject = subject_of(channel.name)
        record_audit(connection, author.actor, action, subject, before=before, after=after, reason=author.reason)
        if author.overruled:
            record_audit(connection, author.actor, OVERRULED, subject, after=author.overruled, reason=author.despite)
        return _begun(connection, config, channel, made)

    return store.write(work)


def _begun(connection: Connection, config: Config, channel: Channel, made: Revision) -> Publication:
    """Hold the first orders, then look again at what stands still."""
    live = channel_state(connection, channel.name) is not None
    left = note_channel(connection, config, channel) if live else 0
    released = release(connection, open_items(connection, channel.name, _OPEN), priority=BULK)
    return Publication(made, released, left)
