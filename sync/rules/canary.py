"""The canary: after go-live or a change of its configuration, a channel's first orders wait for a person.

What is new is seen on a few orders before it is done to all of them. Only orders that the ERP does not have yet are
held: what hangs on a sale that stands there follows it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from config.model import Channel, Config
from mappings.canonical.errors import Problem
from mappings.canonical.words import say, say_many
from sync.rules.profiles import profile_of

CAUSE: Final = "canary"
#: Of a channel: what decides when and whether it is looked at, and not what is made of an order.
_APART: Final = frozenset({"name", "schedules", "watch", "canary", "publish_gate", "crm"})
#: Of a connection: what decides where an order goes and what it becomes there.
_OF_CONNECTIONS: Final = ("system", "url", "minor_units", "options")


def fingerprint_of(config: Config, channel: Channel) -> str:
    """Changes with what is made of the channel's orders; neither with the order of keys nor with a new program.

    A value that is the default counts as not said, so a version that brings new keys changes nothing.
    """
    ends = {
        side: {key: getattr(config.connections[name], key) for key in _OF_CONNECTIONS}
        for side, name in (("source", channel.source), ("erp", channel.erp))
    }
    said = {key: value for key, value in _said(channel).items() if key not in _APART}
    if (profile := profile_of(channel)) is not None:
        # What it says, wherever it stands: to take a file over unchanged, or to comment on it, changes nothing.
        said["profile"] = profile.digest
    text = json.dumps(_plain({"channel": said, **ends}), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _said(record: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    found = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if value != default:
            found[field.name] = value
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _plain(_said(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, bool | int | None) else str(value)


def hold_back(left: int, approved: Collection[str]) -> list[Problem]:
    """Why an order waits that nothing else stops, while `left` more are to be released by a person."""
    if not left or CAUSE in approved:
        return []
    return [
        Problem(
            cause=CAUSE,
            path="",
            reason=say("the first orders after go-live, or after a change of the configuration, wait for a person"),
            next_step=say_many(
                "compare what would be sent with the shop, then approve the order: then all of them go",
                "compare what would be sent with the shop, then approve the order; after %(count)s of them all go",
                left,
            ),
        )
    ]
