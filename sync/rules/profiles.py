"""The mapping profile of a channel: read once for each text, and checked when the configuration is.

What applies is the revision that was published last; the file that the configuration names applies until there is one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Final

from config.fields import Complaint
from config.model import Channel, ProfileFile
from config.problems import Problem
from connectors.kit.base import SendsOrders
from connectors.registry import class_of, has, known_systems
from mappings.profiles import Profile, ProfileError, read_profile
from mappings.profiles.model import NONE
from mappings.registry import SOURCES
from sync.store.revisions import Revision

#: Profiles of one process; a text that is asked for again is not compiled again.
_KEPT: Final = 64


@functools.lru_cache(_KEPT)
def _read(text: str, file: str) -> Profile:
    return read_profile(text, file)


def name_of_revision(channel: str, number: int) -> str:
    """As problems and the lineage name its text: `webshop, revision 3`."""
    return f"{channel}, revision {number}"


def under(channel: Channel, revision: Revision | None) -> Channel:
    """The channel with the text of a published revision in the place of its file; without one as it is."""
    if revision is None:
        return channel
    text = ProfileFile(name_of_revision(channel.name, revision.number), revision.text)
    return dataclasses.replace(channel, profile=text)


def profile_of(channel: Channel) -> Profile | None:
    """The channel's profile; None where the systems' own mappings are all. Raises ProfileError."""
    return None if channel.profile is None else _read(channel.profile.text, channel.profile.file)


def check_profile(file: ProfileFile | None, system: str) -> Iterator[Problem | Complaint]:
    """What is wrong with a channel's profile, or with its having none, where its source is of this system.

    Orders of a source that sends them wait for their first profile: it is written beside them, and published.
    """
    if file is None:
        if system not in SOURCES and system in known_systems() and not has(class_of(system), SendsOrders):
            found, step = "no profile", f"{system} has no mapping of its own: write one that says `extends: none`"
            yield Complaint(found, "the file of a mapping profile", step)
        return
    try:
        profile = _read(file.text, file.file)
    except ProfileError as error:
        yield from error.problems
        return
    if profile.extends not in (system, NONE):
        expected = f"`extends: {system}` or `extends: none`" if system in SOURCES else "`extends: none`"
        yield Complaint(f"a profile that says `extends: {profile.extends}`", f"one that says {expected}")
