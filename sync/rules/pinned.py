"""A channel as it maps an order that stays with an older revision of the mapping profile."""

from __future__ import annotations

from mappings.canonical.errors import Problem
from mappings.canonical.words import say
from mappings.profiles import ProfileError
from sync.rules.stops import Held
from sync.rules.systems import ChannelSystems, SystemMissing
from sync.store.engine import Store
from sync.store.pins import pin_of
from sync.store.revisions import load_revision


class Unreadable(Held, LookupError):
    """The revision that an order stays with cannot be used any more."""


def pinned_systems(store: Store, systems: ChannelSystems, item_id: int) -> ChannelSystems:
    """The channel as this item is mapped: `systems`, save where it is pinned. Raises Unreadable."""
    number = store.read(lambda c: pin_of(c, item_id))
    return systems if number is None else under_pin(store, systems, number)


def under_pin(store: Store, systems: ChannelSystems, number: int) -> ChannelSystems:
    """The channel with this revision, 0 for what the configuration says. Raises Unreadable."""
    name = systems.channel.name
    revision = store.read(lambda c: load_revision(c, name, number)) if number else None
    if number and revision is None:
        raise _unreadable(number, say("it is not kept any more"))
    try:
        found = systems.under(revision)
    except (ProfileError, SystemMissing) as error:
        raise _unreadable(number, str(error)) from error
    # Of a source that means nothing by itself, what was there before the first profile is no mapping.
    return systems if found.unwritten else found


def _unreadable(number: int, why: str) -> Unreadable:
    reason = say("revision %(number)s of the mapping profile cannot be used: %(why)s", number=number, why=why)
    return Unreadable([Problem("mapping", "", reason, next_step=say("retry it with the current revision"))])
