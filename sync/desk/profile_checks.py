"""What is wrong or doubtful with a text of a channel's mapping profile, held against the orders that are stored."""

from __future__ import annotations

import dataclasses
from typing import Final

from sqlalchemy import Connection

from config.model import ProfileFile
from mappings.profiles.checks import Finding, check_profile
from mappings.profiles.tables import KnownTables
from mappings.registry import SOURCES
from sync.desk.lookups import facts_by_table
from sync.desk.profile_texts import Text
from sync.desk.profiles import demand_profile
from sync.desk.regression import Side, Turned, newest_documents
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.systems import Systems
from sync.store.engine import Store

#: Orders that cannot be mapped and are told one by one.
_LISTED: Final = 50
#: What waits for a row of a look-up table says nothing against the profile.
_WAITS: Final = "unmapped"


@dataclasses.dataclass(frozen=True, slots=True)
class Checkup:
    """One text, examined."""

    #: As messages name it.
    name: str
    #: Stored orders that it was held against.
    documents: int
    #: In the order of the text.
    findings: tuple[Finding, ...]
    #: How many of the orders cannot be mapped, and the first of them.
    stopped: int
    stopping: tuple[Turned, ...]

    @property
    def wrong(self) -> bool:
        """Whether it must not be published."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def doubtful(self) -> bool:
        """Whether there is anything to say of it."""
        return bool(self.findings or self.stopped)


def check_text(store: Store, systems: Systems, channel: str, text: Text, *, documents: int) -> Checkup:
    """Check a text with the channel's newest stored orders as samples, and map each of them.

    Nothing is asked of a system and nothing is written. Raises ConfigError with all that is wrong where the text is no
    profile, SystemMissing.
    """
    profile = demand_profile(systems.config, channel, text.text, text.name)
    ruled = systems.channel(channel, ProfileFile(text.name, text.text))
    samples = list(newest_documents(store, ruled, documents))

    def read(connection: Connection) -> tuple[KnownTables, Lookups]:
        return facts_by_table(connection), load_lookups(connection, ruled.channel)

    tables, lookups = store.read(read)
    findings = check_profile(profile, SOURCES.get(profile.extends), [sample.payload for sample in samples], tables)
    side, stopped = Side(ruled, lookups), 0
    stopping: list[Turned] = []
    for sample in samples:
        found = side.mapped(sample)
        if not isinstance(found, tuple) or all(problem.cause == _WAITS for problem in found):
            continue
        stopped += 1
        if len(stopping) < _LISTED:
            stopping.append(Turned(sample.external_id, tuple((problem.path, problem.reason) for problem in found)))
    return Checkup(text.name, len(samples), tuple(findings), stopped, tuple(stopping))
