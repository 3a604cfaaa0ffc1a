"""What a drain hands to its flows: the channel's two sides, the store, the lease and a window of threads."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from connectors.kit.base import JsonDict, Rank, SalesTarget
from connectors.kit.facets import DocumentFile, FollowsSales
from mappings.base import SourceOptions, TargetMapping
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from sync.rules.corrected import Standing, load_standings
from sync.rules.lookups import Lookups
from sync.rules.matching import as_decided, decided
from sync.rules.references import resolve
from sync.rules.stops import NotSent
from sync.rules.systems import ChannelSystems, Side
from sync.store import singletons
from sync.store.channels import ChannelState
from sync.store.documents import Document, Seen, end_others, load_documents, save_seen
from sync.store.engine import Store
from sync.store.files import KeptFile, save_file
from sync.store.intents import IntentOpen, Wanted, load_open_keys, open_intents
from sync.store.leases import Lease, demand_lease
from sync.store.matches import Answer, Match, find_matches

T = TypeVar("T")
R = TypeVar("R")


class Clock:
    """How much of a lease is left, by this process's monotonic clock: it counts on while the process is stopped."""

    def __init__(self, lease_s: float, begun: float) -> None:
        """Begin with a full lease, counted from before it was asked for."""
        self._lease_s = lease_s
        self._renewed = begun
        self._lost = threading.Event()

    def renew(self, begun: float) -> None:
        """A heartbeat that was begun at `begun` (monotonic) arrived."""
        self._renewed = begun

    def lose(self) -> None:
        """The lease is gone for good."""
        self._lost.set()

    def left_s(self) -> float:
        """Seconds until the lease may be somebody else's."""
        return 0.0 if self._lost.is_set() else self._renewed + self._lease_s - time.monotonic()


@dataclasses.dataclass(slots=True)
class Drain:
    """One drain's surroundings."""

    store: Store
    systems: ChannelSystems
    state: ChannelState
    lease: Lease
    clock: Clock
    lookups: Lookups
    pool: ThreadPoolExecutor
    #: Called whenever something moved; the heartbeat stops when nothing does.
    progress: Callable[[], None] = lambda: None
    #: Set when the target is away: what was not sent yet is not sent.
    away: threading.Event = dataclasses.field(default_factory=threading.Event)
    #: The same for the shop, where it is written to.
    shop_away: threading.Event = dataclasses.field(default_factory=threading.Event)

    #: Match key -> what is in doubt, or decided, of the customers that were asked for last.
    matches: Mapping[str, Match] = dataclasses.field(default_factory=dict)
    #: Item -> what people have corrected of it, for the batch that is worked on.
    corrections: Mapping[int, Standing] = dataclasses.field(default_factory=dict)

    def load_corrections(self, item_ids: Sequence[int]) -> None:
        """Once for each batch; whoever corrects an order later has it looked at again."""
        self.corrections = self.store.read(lambda c: load_standings(c, item_ids))

    def ask(self, lookups: Lookups) -> None:
        """Take these look-ups from now on, for whoever asks them: the flows, and the channel's profile."""
        self.lookups, self.systems = lookups, self.systems.asking(lookups)

    @property
    def source_options(self) -> SourceOptions:
        """How the source is read."""
        return self.systems.reading(self.lookups)

    @property
    def target(self) -> SalesTarget:
        """The ERP's connector."""
        return self.systems.target

    @property
    def mapping(self) -> TargetMapping:
        """The ERP's mapping."""
        return self.systems.target_mapping

    @property
    def follows(self) -> bool:
        """Whether anything but the sale itself is carried on this channel."""
        return self.systems.erp_facets is not None and isinstance(self.target, FollowsSales)

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """What the ERP knows under each ref (`sync.rules.references.resolve`); of customers what people have decided.

        One of whom a decision says that none of the ERP's is them, and who is not made yet, is `{"id": None, "apart":
        True}`. Raises what `SalesTarget.resolve` raises.
        """
        wanted = frozenset(refs)
        keys = {ref.value for ref in wanted if ref.kind == "party"}
        self.matches = self.store.read(lambda c: find_matches(c, self.lease.connection, keys)) if keys else {}
        if not self.matches:
            return resolve(wanted, self.lookups, self.target)
        asked = {ref: self.matches[ref.value] for ref in wanted if ref.kind == "party" and ref.value in self.matches}
        answers = resolve({decided(ref, self.matches) for ref in wanted}, self.lookups, self.target)
        gone = [ref for ref, match in asked.items() if match.answer == Answer.SAME and ref not in answers]
        now = resolve(gone, self.lookups, self.target) if gone else answers
        for ref, match in asked.items():
            if (answer := as_decided(match, answers.get(ref), now.get(ref))) is not None:
                answers[ref] = answer
        return answers

    def trusts(self, order: Order | None) -> bool:
        """Whether our database knows for certain what was made for an order: only since the channel's `trusted_since`.

        Of what was placed before, an outage or a restored backup may have forgotten something: it is looked up first.
        """
        return order is not None and order.placed_at >= self.state.trusted_since

    @property
    def wanted_rank(self) -> Rank:
        """How far the channel brings its sales."""
        return self.systems.wanted_rank

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one write transaction under the fence: a drain that lost its lease writes nothing of ours.

        Raises LeaseLost, DatabaseBusy; then nothing was kept.
        """

        def fenced(connection: Connection) -> T:
            demand_lease(connection, self.lease)
            return work(connection)

        return self.store.write(fenced)

    def keep_seen(self, rows: Sequence[Seen]) -> dict[tuple[str, str, str], int]:
        """Remember documents as they were seen: (connection, kind, external id) -> our id of it."""
        return self.write(lambda c: save_seen(c, rows))

    def keep_surveyed(self, rows: Mapping[int, Sequence[Seen]], kinds: Sequence[str]) -> dict[int, list[Document]]:
        """All that the ERP has of these kinds on some orders (by id); answers what hangs on each of them now."""
        erp = self.lease.connection

        def work(connection: Connection) -> None:
            save_seen(connection, [row for each in rows.values() for row in each])
            for order_id, each in rows.items():
                end_others(connection, order_id, erp, kinds, [row.external_id for row in each])

        self.write(work)
        return self.store.read(lambda c: load_documents(c, list(rows)))

    def keep_file(self, doc: Document, facts: str, fetch: Callable[[], DocumentFile]) -> KeptFile:
        """Keep a document's file, once it is fetched. Raises what `fetch` raises."""
        file, links = fetch(), self.systems.links
        self.progress()
        token = "" if links is None else links.token(doc.connection, doc.kind, doc.external_id, facts)
        return self.write(
            lambda c: save_file(c, doc.id, file.name, file.content_type, file.body, facts=facts, token=token)
        )

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Make a customer in the ERP. Raises what the connector raises."""
        return self.target.save_party(payload)

    def take_turn(self, name: str, length_s: float) -> str | None:
        """A token for what only one drain may do at a time; None while another one does it."""
        taken = self.write(lambda c: singletons.take(c, name, self.lease.token, length_s))
        return None if taken is None else taken[0]

    def give_turn_up(self, name: str, token: str) -> None:
        """Also of a drain that has lost its lease."""
        self.store.write(lambda c: singletons.give_up(c, name, token))

    def announce(self, wanted: Sequence[Wanted], *, side: Side | None = None) -> dict[str, int]:
        """The intents of a batch, committed: key -> intent. A key that somebody writes just now is left out.

        All of `wanted` are of one kind, and go to one side: the ERP where nothing else is said. Raises LeaseLost,
        DatabaseBusy.
        """
        to = side or self.systems.erp_side

        def work(connection: Connection) -> dict[str, int]:
            keys = [entry.key for entry in wanted]
            busy = {intent.key for intent in load_open_keys(connection, to.connection, wanted[0].kind, keys)}
            free = [entry for entry in wanted if entry.key not in busy]
            if not free:
                return {}
            return open_intents(
                connection, self.lease, free, start_s=to.deadline_s, settle_s=to.settle_s, at=to.connection
            )

        try:
            return self.store.write(work)
        except IntentOpen:
            # Another drain was quicker between the look and the insert; none of these was written.
            return {}

    def window(self, work: Callable[[T], R], entries: Iterable[T]) -> list[R]:
        """Run `work` on each entry with as many calls in flight as the lease has slots; results in order."""

        def step(entry: T) -> R:
            result = work(entry)
            self.progress()
            return result

        return list(self.pool.map(step, entries))


@dataclasses.dataclass(frozen=True, slots=True)
class Permit:
    """Leave to start calls until a moment: what the intents of a batch promised to whoever reconciles them."""

    drain: Drain
    #: Monotonic; the intents' `sent_at`.
    until: float
    #: Who is written to; the ERP where nothing else is said.
    side: Side | None = None

    def demand(self) -> None:
        """Directly before every write. Raises NotSent when the call must not be started any more."""
        systems = self.drain.systems
        side = self.side or systems.erp_side
        away = self.drain.away if side.connection == systems.channel.erp else self.drain.shop_away
        if away.is_set():
            raise NotSent(say("%(connection)s is away; this document was not sent", connection=side.connection))
        if time.monotonic() > self.until:
            raise NotSent(say("its turn did not come in time; this document was not sent"))
        if self.drain.clock.left_s() <= side.deadline_s:
            raise NotSent(say("the lease has less time left than the call may take; this document was not sent"))
