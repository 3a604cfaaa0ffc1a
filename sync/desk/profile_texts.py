"""Which text of a channel's mapping profile somebody means, and what there is of each channel."""

from __future__ import annotations

import dataclasses
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from mappings.profiles import Profile
from sync.desk.phrases import Refusal, say
from sync.desk.profiles import NoSuchRevision
from sync.rules.profiles import name_of_revision, profile_of, under
from sync.store.engine import Store
from sync.store.revisions import (
    Draft,
    Revision,
    load_draft,
    load_published,
    load_revision,
    published_number,
)

PUBLISHED: Final = "published"
DRAFT: Final = "draft"
#: The file that the configuration names.
FILE: Final = "file"


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """One text of a profile."""

    #: As messages name it.
    name: str
    text: str = dataclasses.field(repr=False)
    #: The revision that it was made from, as far as anybody knows; None where nobody does.
    base: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What there is of one channel."""

    channel: str
    published: Revision | None
    draft: Draft | None
    #: The file of the configuration; empty where it names none.
    file: str
    #: Whether the file says something else than what is published.
    file_differs: bool
    #: What applies; None where the systems' own mappings are all.
    profile: Profile | None


def find_text(store: Store, config: Config, channel: str, word: str) -> Text:
    """`published`, `draft`, `file`, or the number of a revision. Raises Refusal, NoSuchRevision."""
    return store.read(lambda c: _find(c, config, channel, word))


def _find(connection: Connection, config: Config, channel: str, word: str) -> Text:
    if word == DRAFT:
        draft = load_draft(connection, channel)
        if draft is None:
            raise Refusal(say("%(channel)s has no draft of a mapping profile", channel=channel))
        return Text(f"{channel}, draft {draft.seen}", draft.text, draft.base)
    if word == FILE:
        file = config.channels[channel].profile
        if file is None:
            raise Refusal(say("the configuration names no mapping profile for %(channel)s", channel=channel))
        return Text(file.file, file.text)
    number = published_number(connection, channel) if word == PUBLISHED else _number(word)
    found = load_revision(connection, channel, number)
    if found is not None:
        return Text(name_of_revision(channel, number), found.text, number)
    if word == PUBLISHED:
        raise Refusal(say("no mapping profile was published for %(channel)s", channel=channel))
    raise NoSuchRevision(say("%(channel)s has no revision %(number)s", channel=channel, number=word))


def _number(word: str) -> int:
    # Nobody publishes a billion; a longer number is none that the database takes.
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else 0  # noqa: PLR2004


def applying_text(store: Store, config: Config, channel: str) -> Text:
    """What applies: the published revision, else the file, else nothing."""
    applies = under(config.channels[channel], store.read(lambda c: load_published(c, channel))).profile
    return Text("nothing", "") if applies is None else Text(applies.file, applies.text)


def standings(store: Store, config: Config) -> list[Standing]:
    """Each channel, in the order of the configuration. Raises ProfileError for a text that cannot be read any more."""
    return store.read(lambda c: [_standing(c, config, name) for name in config.channels])


def _standing(connection: Connection, config: Config, name: str) -> Standing:
    channel, published = config.channels[name], load_published(connection, name)
    filed, profile = profile_of(channel), profile_of(under(channel, published))
    differs = filed is not None and published is not None and filed.digest != published.digest
    file = "" if channel.profile is None else channel.profile.file
    return Standing(name, published, load_draft(connection, name), file, differs, profile)
