"""The check-up of a channel's mapping profile: what applies, and whether the configuration's file says the same."""

from __future__ import annotations

from typing import Final

from config.model import Config
from connectors.kit.base import SendsOrders
from connectors.kit.findings import Finding, fail, ok, warn
from connectors.registry import class_of, has
from mappings.profiles import ProfileError
from mappings.registry import SOURCES
from sync.desk.phrases import joined, say
from sync.rules.profiles import profile_of, under
from sync.store.engine import Store
from sync.store.revisions import Revision, load_published

CHECK: Final = "channel.profile"


def profile_finding(config: Config, name: str, store: Store | None) -> Finding:
    """One finding; `store` is None while the database has no tables, and nothing can be published."""
    channel = config.channels[name]
    published = None if store is None else store.read(lambda c: load_published(c, name))
    try:
        profile = profile_of(under(channel, published))
    except ProfileError as error:
        # A newer program may read profiles more strictly than the one that published it.
        return fail(CHECK, str(error), say("publish a mapping profile that can be read"))
    if published is None:
        if channel.profile is None and _needs_one(config.connections[channel.source].system):
            return fail(
                CHECK,
                say("there is none, and nobody knows what the source's orders mean: they are kept, and wait"),
                say("write one in the console's workbench and publish it"),
            )
        if channel.profile is None:
            return ok(CHECK, say("the systems' own mappings are all"))
        return ok(CHECK, say("%(file)s; nothing is published", file=channel.profile.file))
    filed = profile_of(channel)
    if filed is not None and profile is not None and filed.digest != profile.digest:
        return _differs(config, name, published)
    return ok(CHECK, say("revision %(number)s, published by %(who)s", number=published.number, who=published.author))


def _needs_one(system: str) -> bool:
    return system not in SOURCES and has(class_of(system), SendsOrders)


def _differs(config: Config, name: str, published: Revision) -> Finding:
    file = config.channels[name].profile
    assert file is not None
    found = say(
        "%(file)s says something else than revision %(number)s, which is used instead of it",
        file=file.file,
        number=published.number,
    )
    steps = [
        say("publish the file: crossdock mapping publish %(channel)s file --reason WHY", channel=name),
        say("write into it what is used: crossdock mapping export %(channel)s", channel=name),
    ]
    if config.connections[config.channels[name].source].system in SOURCES:
        # Another source cannot be without: it has no mapping of its own.
        steps.append(
            say("take `profile` out of the channel: %(where)s", where=config.where(f"channels.{name}.profile"))
        )
    return warn(CHECK, found, joined("; ", steps))
