"""Noting what the configuration makes of each channel's orders, so that a change of it begins with a few of them."""

from __future__ import annotations

import functools

from config.model import Config
from sync.rules.canary import fingerprint_of
from sync.store.canary import note_canary
from sync.store.channels import start_channel
from sync.store.engine import Store


def note_configuration(store: Store, config: Config) -> dict[str, int]:
    """Compare with what was noted last; answers channel -> orders that a person has yet to release."""
    left = {}
    for name, channel in config.channels.items():
        store.write(functools.partial(start_channel, channel=name, start_at=channel.policies.start_at))
        fingerprint = fingerprint_of(config, channel)
        note = functools.partial(note_canary, channel=name, fingerprint=fingerprint, wanted=channel.canary)
        left[name] = store.write(note)
    return left
