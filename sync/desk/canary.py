"""Noting what the configuration makes of each channel's orders, so that a change of it begins with a few of them."""

from __future__ import annotations

import functools

from sqlalchemy import Connection

from config.model import Channel, Config
from sync.rules.canary import fingerprint_of
from sync.rules.profiles import under
from sync.store.canary import note_canary
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.revisions import load_published


def note_configuration(store: Store, config: Config) -> dict[str, int]:
    """Compare with what was noted last; answers channel -> orders that a person has yet to release."""
    left = {}
    for name, channel in config.channels.items():
        store.write(functools.partial(start_channel, channel=name, start_at=channel.policies.start_at))
        left[name] = store.write(functools.partial(note_channel, config=config, channel=channel))
    return left


def note_channel(connection: Connection, config: Config, channel: Channel) -> int:
    """The same for one channel that has begun, with the profile that applies now."""
    applies = under(channel, load_published(connection, channel.name))
    return note_canary(connection, channel.name, fingerprint_of(config, applies), channel.canary)
