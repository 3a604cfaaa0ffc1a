"""Correcting one order by hand: what may be corrected, whether it holds, keeping it, and taking it back.

Two things can be corrected. The canonical order, as the mapping made it, wherever there is one: its fields mean the
same for each source, and are checked by one schema and the proof of totals. The shop's own document, where no order can
be made of it. A correction is laid over what the shop says each time the order is looked at (`sync.rules.corrected`);
the shop's document stays as it came, and the correction keeps what it was laid over.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Fee, Order, OrderLine, ShippingLine
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.profiles.source import proven
from sync.desk.passport import subject_of
from sync.desk.phrases import Phrase, joined, say
from sync.desk.steering import Stale
from sync.rules.asking import only_sends
from sync.rules.corrected import Standing, corrected_order, corrected_payload, standing_of
from sync.rules.corrections import Basis, Change, Conflict, Correction, differences, field_of, lay_over, read_correction
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.pinned import pinned_systems
from sync.rules.systems import ChannelSystems
from sync.store import corrections as kept_corrections
from sync.store.audit import Actor, record_audit
from sync.store.bodies import dump_json, load_json, pack, unpack
from sync.store.corrections import KeptCorrection, list_corrections, load_standing
from sync.store.engine import Store
from sync.store.history import KeptItem, load_kept, load_received
from sync.store.marking import release
from sync.store.orders import StoredOrder
from sync.store.states import ItemState

MAX_REASON: Final = 500
#: What the shop alone says: who the order is, when it came, how it stands there, what it charged.
FIXED: Final = frozenset(
    {
        *("number", "external_id", "version", "placed_at", "placed_on", "updated_at", "currency"),
        *("state", "source_state", "payment_state", "fulfilment_state"),
        *("refunds", "totals", "shop_totals"),
    }
)
#: Lists whose elements the shop's parcels, refunds and taxes refer to.
_ELEMENTS: Final = ("lines", "shipping_lines", "fees")


class Mistakes(Exception):
    """What a correction cannot be; nothing was kept."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Each at its field, as `lines[0].sku`."""
        self.problems = tuple(problems)
        super().__init__(joined("; ", (problem.reason for problem in self.problems)))


class ChangedMeanwhile(Stale):
    """Somebody else was faster: the shop with a newer version, or a person with a correction."""

    def __init__(self, order: StoredOrder, news: Sequence[Phrase]) -> None:
        """`news` is what has happened since."""
        super().__init__(order)
        self.news = tuple(news)
        self.args = (
            say(
                "order %(number)s has changed since you began: %(news)s. Nothing was kept",
                number=order.number,
                news=joined("; ", self.news),
            ),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """What of an order may be corrected now."""

    basis: Basis
    #: The document without a correction of this kind.
    original: JsonDict
    #: The same as it counts now.
    document: JsonDict
    standing: Standing
    #: Corrections that the shop has overtaken; in these places `document` is as the shop says.
    conflicts: tuple[Conflict, ...]
    #: Why no order can be made of it.
    problems: tuple[Problem, ...]
    #: A token of all this: whoever corrects by it is told when it is not true any more.
    seen: str

    def trial(self, changes: Sequence[Change]) -> Standing:
        """What would count with these changes."""
        made = Correction(0, self.basis, tuple(changes), "", dt.datetime.now(dt.UTC), "")
        return {**self.standing, self.basis: made}

    def with_changes(self, changes: Sequence[Change]) -> tuple[JsonDict, tuple[Conflict, ...]]:
        """What somebody has changed of an older draft, laid over this one, and what does not fit any more."""
        made: tuple[JsonDict, tuple[Conflict, ...]] = lay_over(self.document, changes)
        return made


def draft_of(store: Store, systems: ChannelSystems, order: StoredOrder, basis: Basis | None = None) -> Draft:
    """What of the order may be corrected: what `basis` says, else the order itself where there is one.

    Raises LookupError where nothing may be.
    """
    systems = pinned_systems(store, systems, order.item_id)
    kept, payload, rows, lookups = store.read(lambda c: _load(c, systems, order))
    _demand_open(order, kept)
    if payload is None:
        raise LookupError(
            say("what the shop sent of order %(number)s is not kept any more: look at it again first", **_named(order))
        )
    standing, options = _standing(rows), systems.asking(lookups).reading(lookups)
    source, overtaken = corrected_payload(payload, standing)
    problems: tuple[Problem, ...] = ()
    seen = _token(kept, rows)
    if basis is not Basis.SOURCE:
        try:
            mapped = systems.asking(lookups).source_mapping.order(source, options)
        except Problems as error:
            if basis is Basis.ORDER:
                raise LookupError(
                    say("no order can be made of what the shop says: correct its own document", **_named(order))
                ) from error
            problems = error.problems
        else:
            original = order_to_json(mapped)
            document, conflicts = _over(original, standing, Basis.ORDER)
            return Draft(Basis.ORDER, original, document, standing, (*overtaken, *conflicts), (), seen)
    return Draft(Basis.SOURCE, payload, source, standing, overtaken, problems, seen)


def _load(
    connection: Connection, systems: ChannelSystems, order: StoredOrder
) -> tuple[KeptItem, JsonDict | None, list[KeptCorrection], Lookups]:
    kept = load_kept(connection, order.item_id)
    if kept is None:
        raise LookupError(say("order %(number)s is not known any more", **_named(order)))
    packed = load_received(connection, order.item_id, systems.channel.source)
    payload = None if packed is None else load_json(unpack(packed))
    return kept, payload, list_corrections(connection, order.item_id), load_lookups(connection, systems.channel)


def _over(document: JsonDict, standing: Standing, basis: Basis) -> tuple[JsonDict, tuple[Conflict, ...]]:
    made: tuple[JsonDict, tuple[Conflict, ...]] = lay_over(
        document, standing[basis].changes if basis in standing else ()
    )
    return made


def _standing(rows: Sequence[KeptCorrection]) -> Standing:
    return standing_of({row.basis: row for row in rows if row.ended_at is None})


def _token(kept: KeptItem, rows: Sequence[KeptCorrection]) -> str:
    ended = sum(row.ended_at is not None for row in rows)
    return f"{kept.event_digest or '-'}.{len(rows)}.{ended}"


def _named(order: StoredOrder) -> dict[str, str]:
    return {"number": order.number}


def _demand_open(order: StoredOrder, kept: KeptItem) -> None:
    if kept.state == ItemState.SKIPPED:
        raise LookupError(
            say(
                "order %(number)s is not carried over: let it be looked at again before you correct it", **_named(order)
            )
        )


# --- whether it holds --------------------------------------------------------------------------------------------


def check(store: Store, systems: ChannelSystems, order: StoredOrder, draft: Draft, document: object) -> list[Change]:
    """The changes that make `document` of what the shop says, once they are proven to hold. Raises Mistakes."""
    if not isinstance(document, dict):
        raise Mistakes([Problem("mapping", "", say("found something else, expected an object"))])
    changes = list(differences(draft.original, document))
    new = differences(draft.document, document)
    problems = list(_fixed(draft, new))
    if not new and not draft.conflicts:
        problems.append(Problem("mapping", "", say("nothing is different from what counts already")))
    if problems:
        raise Mistakes(problems)
    lookups = store.read(lambda c: load_lookups(c, systems.channel))
    asking = pinned_systems(store, systems, order.item_id).asking(lookups)
    try:
        if draft.basis is Basis.ORDER:
            made = proven(order_from_json(document), asking.reading(lookups))
        else:
            made = _mapped(asking, asking.reading(lookups), document, draft)
    except Problems as error:
        raise Mistakes(error.problems) from error
    if problems := list(_untied(draft, made)):
        raise Mistakes(problems)
    if made.external_id != order.external_id:
        raise Mistakes([Problem("mapping", "external_id", say("is what the order is known by, and stays"))])
    return changes


def _mapped(systems: ChannelSystems, options: SourceOptions, document: JsonDict, draft: Draft) -> Order:
    order, overtaken = corrected_order(systems.source_mapping.order(document, options), draft.standing, options)
    if overtaken:
        raise Problems([conflict.problem for conflict in overtaken])
    return order


def _fixed(draft: Draft, changes: Sequence[Change]) -> Iterator[Problem]:
    if draft.basis is not Basis.ORDER:
        return
    for change in changes:
        name = change.path[0]
        field = field_of(draft.document, change.path)
        if name in FIXED:
            yield Problem("mapping", field, say("the shop alone says this; it cannot be corrected here"))
        elif len(change.path) == 1 and name in _ELEMENTS:
            told = say(
                "its elements can be corrected, but none can be added or taken away, nor its external_id changed"
            )
            yield Problem("mapping", field, told)


def _untied(draft: Draft, made: Order) -> Iterator[Problem]:
    """The taxes of the parts, which the proof of totals takes as the shop states them."""
    if draft.basis is not Basis.ORDER:
        return
    before = order_from_json(draft.original)
    if _taxes(before) != _taxes(made):
        told = say(
            "the taxes of its parts add up to %(found)s, and to %(expected)s before",
            found=f"{_taxes(made):f}",
            expected=f"{_taxes(before):f}",
        )
        yield Problem("totals_mismatch", "lines", told)


def _taxes(order: Order) -> Decimal:
    parts: tuple[OrderLine | ShippingLine | Fee, ...] = (*order.lines, *order.shipping_lines, *order.fees)
    return sum((part.tax.amount for part in parts), Decimal(0))


# --- keeping it, and taking it back ------------------------------------------------------------------------------


def keep_correction(
    store: Store,
    systems: ChannelSystems,
    order: StoredOrder,
    document: object,
    *,
    seen: str,
    actor: Actor,
    reason: str,
    basis: Basis | None = None,
) -> Correction:
    """Keep what somebody made of a draft, and have the order looked at with it; audited.

    All of it is one transaction: who is killed after it has lost nothing, as the item is due. Raises ChangedMeanwhile
    where `seen` is not the draft's any more, Mistakes, LookupError.
    """
    told = _reason(reason)
    draft = draft_of(store, systems, order, basis)
    demand_current(store, order, draft, seen)
    changes = check(store, systems, order, draft, document)

    def work(connection: Connection) -> int:
        _demand_same(connection, order, draft.seen)
        number = kept_corrections.add_correction(
            connection,
            order.item_id,
            basis=draft.basis,
            changes=pack(dump_json([change.to_json() for change in changes])),
            original=pack(dump_json(draft.original)),
            reason=told,
            by=actor.name,
        )
        _go_on(connection, order)
        # The fields alone: what stands in them may be personal, and is kept in one place.
        fields = ", ".join(field_of(draft.original, change.path) for change in changes)
        record_audit(connection, actor, "correct", subject_of(order), after=f"{number}: {fields}"[:2000], reason=told)
        return number

    number = store.write(work)
    return next(each for each in corrections_of(store, order) if each.number == number)


def take_back(
    store: Store, systems: ChannelSystems, order: StoredOrder, number: int, *, actor: Actor, reason: str
) -> None:
    """A correction counts no more, and the one before it does again; audited. Raises Mistakes, LookupError."""
    told = _reason(reason)

    def work(connection: Connection) -> None:
        kept = load_kept(connection, order.item_id, lock=True)
        if kept is not None:
            _demand_open(order, kept)
        standing = load_standing(connection, [order.item_id]).get(order.item_id, {})
        if number not in {each.number for each in standing.values()}:
            raise LookupError(
                say("correction %(count)s of order %(number)s does not count", count=number, **_named(order))
            )
        if only_sends(systems.source) and load_received(connection, order.item_id, systems.channel.source) is None:
            raise LookupError(
                say(
                    "what came in of order %(number)s is not kept any more, so nothing is there to go back to",
                    **_named(order),
                )
            )
        kept_corrections.end_correction(connection, order.item_id, number, by=actor.name, reason=told)
        _go_on(connection, order)
        record_audit(connection, actor, "take correction back", subject_of(order), before=str(number), reason=told)

    store.write(work)


def _go_on(connection: Connection, order: StoredOrder) -> None:
    kept_corrections.forget_approvals(connection, order.item_id)
    release(connection, [order.item_id])


def _reason(reason: str) -> str:
    told = reason.replace("\0", "").strip()
    if not told or len(told) > MAX_REASON:
        raise Mistakes([Problem("mapping", "reason", say("say why, in %(most)s characters at most", most=MAX_REASON))])
    return told


def corrections_of(store: Store, order: StoredOrder) -> list[Correction]:
    """Every correction of an order, the oldest first."""
    return [read_correction(kept) for kept in store.read(lambda c: list_corrections(c, order.item_id))]


def original_of(store: Store, order: StoredOrder, number: int) -> bytes | None:
    """What a correction was laid over when it was made: JSON. None where there is no such correction."""
    rows = store.read(lambda c: list_corrections(c, order.item_id))
    return next((unpack(row.original) for row in rows if row.number == number), None)


# --- somebody was faster -----------------------------------------------------------------------------------------


def demand_current(store: Store, order: StoredOrder, draft: Draft, seen: str) -> None:
    """Raises ChangedMeanwhile where a draft is not the one that somebody has seen."""
    if draft.seen != seen:
        raise ChangedMeanwhile(
            order, list(_news(store.read(lambda c: list_corrections(c, order.item_id)), draft, seen))
        )


def _demand_same(connection: Connection, order: StoredOrder, seen: str) -> None:
    """The same under the lock of the item."""
    kept = load_kept(connection, order.item_id, lock=True)
    rows = list_corrections(connection, order.item_id)
    if kept is None or _token(kept, rows) != seen:
        raise ChangedMeanwhile(order, [say("something came in at this very moment")])
    _demand_open(order, kept)


def _news(rows: Sequence[KeptCorrection], draft: Draft, seen: str) -> Iterator[Phrase]:
    digest, _, counts = seen.partition(".")
    known, _, _ = counts.partition(".")
    if draft.seen.partition(".")[0] != digest:
        yield say("the shop has sent another version")
    later = rows[int(known) :] if known.isascii() and known.isdigit() else []
    for row in map(read_correction, later):
        fields = ", ".join(field_of(draft.original, change.path) for change in row.changes)
        yield say("%(who)s has corrected it: %(fields)s", who=row.made_by, fields=fields)
    if not later and draft.seen.partition(".")[0] == digest:
        yield say("a correction was taken back")
