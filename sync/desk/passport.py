"""One order with everything that happened to it, by any of its numbers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from config.model import Config
from sync.desk.activity import ACTIONS
from sync.desk.corrections_told import correction_to_json, counting
from sync.desk.crm import CrmLine, crm_line
from sync.desk.facets import Facets, load_facets
from sync.desk.facets_told import facets_to_json, told_of
from sync.desk.phrases import Phrase, joined, quote, say, say_many
from sync.desk.totals import TotalsProof, prove_totals
from sync.desk.writes import call_of, outcome_of
from sync.rules.corrections import Correction, read_correction
from sync.store import history
from sync.store.attempts import Attempt, load_attempts
from sync.store.bodies import load_json, unpack
from sync.store.cares import Care, load_care
from sync.store.corrections import list_corrections
from sync.store.engine import Store
from sync.store.events import Event, list_events
from sync.store.history import BindingRow, ChangeRow, KeptItem
from sync.store.intents import PastIntent, list_intents
from sync.store.orders import StoredOrder, find_orders, load_canonical, load_order
from sync.store.pins import original_of
from sync.store.rejections import Rejection, load_rejections
from sync.store.revisions import Revision, revision_of_order
from sync.store.routes import KeptRoute, load_routes
from sync.store.said import load_said
from sync.store.states import ItemState
from sync.store.switches import Pause, pause_of


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """One cause that stops the order, with what it says about this one."""

    issue_id: int
    cause: str
    title: str
    next_step: str
    owner: str
    #: (path, reason) of each place.
    details: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline."""

    at: dt.datetime
    #: `webhook`, `poll`, `fetch`, `attempt`, `intent`, `linked`, `person`, `document`, `told`, `routed`.
    what: str
    text: str
    seconds: float | None = None
    #: How a try or a write ended, in the words of `sync.desk.outcomes` and `sync.store.intents`.
    outcome: str = ""
    attempt: Attempt | None = None
    #: Of what came from the shop: the event's id, by which its payload is had.
    event: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Next:
    """What happens next, and when."""

    text: Phrase
    at: dt.datetime | None = None
    #: What keeps it from happening.
    pause: Pause | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Passport:
    """Everything about one order."""

    order: StoredOrder
    kept: KeptItem
    stops: tuple[Stop, ...]
    next: Next
    timeline: tuple[Moment, ...]
    bindings: tuple[BindingRow, ...]
    #: The order as it was last read, in our own JSON; None while it cannot be read.
    canonical: Mapping[str, Any] | None
    totals: TotalsProof | None
    mapping_version: str
    #: The published revision of the mapping profile in it; None for a profile in a file, or none.
    revision: Revision | None = None
    #: The revision that applied when it came in, 0 for what the configuration says; None where that is what applies.
    original: int | None = None
    #: What came of it after the import; None while it cannot be read.
    facets: Facets | None = None
    #: What the channel's CRM was told of its customer; None where it has none, or the order has not ended yet.
    crm: CrmLine | None = None
    #: From where it is sent; None where nothing chose that.
    route: KeptRoute | None = None
    #: What people have corrected of it, the oldest first; those that do not count any more too.
    corrections: tuple[Correction, ...] = ()
    #: Who takes care of it, and by which day.
    care: Care = dataclasses.field(default_factory=Care)
    #: By whose word it is not carried over; None where nobody has said so.
    rejection: Rejection | None = None

    @property
    def seen(self) -> str:
        """A token of what is shown here: whoever decides by it is told when it is not true any more."""
        return seen_token(self.kept)

    @property
    def sales(self) -> tuple[BindingRow, ...]:
        """What stands for it in the ERP: one, or one for each part of an order that is divided."""
        return tuple(row for row in self.bindings if row.kind == "sale" and row.ended_at is None)

    @property
    def counting(self) -> frozenset[int]:
        """Numbers of the corrections that count."""
        return counting(self.corrections)

    @property
    def took_s(self) -> float | None:
        """From the first word of the shop to the sale in the ERP."""
        came = [moment.at for moment in self.timeline if moment.what in {"webhook", "poll", "fetch"}]
        sale = next((row for row in self.bindings if row.ended_at is None), None)
        if sale is None or not came or sale.created_at < came[0]:
            return None
        return (sale.created_at - came[0]).total_seconds()


def seen_token(kept: KeptItem) -> str:
    """Changes with everything that a person's decision rests on."""
    parts = (kept.state, str(kept.wanted), str(kept.done), kept.event_digest, kept.approved)
    return hashlib.blake2b("|".join(parts).encode(), digest_size=8).hexdigest()


def subject_of(order: StoredOrder) -> str:
    """As the audit names it."""
    return f"order:{order.channel}:{order.external_id}"


def passport(store: Store, config: Config, number: str, *, exchanges: bool = False) -> list[dict[str, Any]]:
    """Each order that has this number in any system, as JSON; `exchanges` adds what went over the wire, redacted."""
    targets = {channel.name: channel.erp for channel in config.channels.values()}
    found = store.read(lambda c: find_orders(c, number, targets))
    loaded = [load_passport(store, config, order, exchanges=exchanges) for order in found]
    return [passport_to_json(one) for one in loaded if one is not None]


def find_order(store: Store, config: Config, channel: str, external_id: str) -> StoredOrder | None:
    """One order of a configured channel."""
    known = config.channels.get(channel)
    return None if known is None else store.read(lambda c: load_order(c, channel, external_id, known.erp))


def load_passport(store: Store, config: Config, order: StoredOrder, *, exchanges: bool = False) -> Passport | None:
    """Everything about one order, read at one moment; None when it is not known any more."""
    channel = config.channels[order.channel]

    def read(connection: Connection) -> Passport | None:
        # Anew, so that state and history are of the same moment.
        now = load_order(connection, order.channel, order.external_id, channel.erp)
        kept = history.load_kept(connection, order.item_id)
        if now is None or kept is None:
            return None
        packed = load_canonical(connection, now.id) if now.id else None
        canonical = None if packed is None else load_json(unpack(packed))
        bindings = tuple(history.list_bindings(connection, now.id)) if now.id else ()
        stopped = pause_of(connection, channel=channel.name, connections=(channel.source, channel.erp))
        attempts = load_attempts(connection, now.item_id, bodies=exchanges)
        facets = None if canonical is None else load_facets(connection, now.id, channel.source, canonical)
        # What is not carried over is sent from nowhere, whatever was chosen before.
        carried = now.erp_id or now.state != ItemState.SKIPPED
        route = load_routes(connection, [now.id]).get(now.id) if carried else None
        moments = [
            *map(_came, list_events(connection, channel.source, "order", now.external_id)),
            *map(_wrote, list_intents(connection, now.item_id)),
            *map(_tried, attempts),
            *map(_linked, bindings),
            *map(_decided, history.list_changes(connection, subject_of(now))),
            *(Moment(*told) for told in told_of(facets)),
            *([] if route is None else [Moment(route.routed_at, "routed", route.reason)]),
        ]
        return Passport(
            order=now,
            kept=kept,
            stops=tuple(map(_stop, history.list_stops(connection, now.item_id))),
            next=_what_next(now, stopped),
            timeline=tuple(sorted(moments, key=lambda moment: moment.at)),
            bindings=bindings,
            canonical=canonical,
            totals=None if canonical is None else prove_totals(canonical),
            mapping_version=history.mapping_version(connection, now.id) if now.id else "",
            revision=revision_of_order(connection, now.id) if now.id else None,
            original=original_of(connection, now.item_id),
            facets=facets,
            crm=crm_line(connection, channel, now.id) if now.id else None,
            route=route,
            corrections=tuple(map(read_correction, list_corrections(connection, now.item_id))),
            care=load_care(connection, now.item_id),
            rejection=load_rejections(connection, now.channel, now.item_id).get(now.item_id),
        )

    return store.read(read)


def exchanges_of(store: Store, order: StoredOrder, attempt_id: int) -> list[dict[str, Any]] | None:
    """Every request and response of one attempt, redacted; None where there was none."""
    packed = store.read(lambda c: history.load_exchanges(c, order.item_id, attempt_id))
    found: list[dict[str, Any]] | None = None if packed is None else load_json(unpack(packed))
    return found


def received(store: Store, config: Config, order: StoredOrder, event: int | None = None) -> bytes | None:
    """The order as its shop sent it last, or with that event of it: JSON."""
    source = config.channels[order.channel].source
    packed = store.read(lambda c: history.load_received(c, order.item_id, source, event))
    return None if packed is None else unpack(packed)


# --- what happens next ------------------------------------------------------------------------------------------

_NEXT = {
    ItemState.READY: say("It is looked at again."),
    ItemState.LEASED: say("It is being worked on just now."),
    ItemState.RECONCILE: say("A write may have happened: the ERP is asked about it before anything else is done."),
    ItemState.WAITING: say("It waits for a change in the shop, and is looked at again every six hours."),
    ItemState.HELD: say("It waits for you: end what holds it, or approve it as it is."),
    ItemState.PARKED: say("It waits for you: correct what is wrong, then retry."),
    ItemState.SKIPPED: say("Nothing, unless it changes in the shop."),
    ItemState.DONE: say("Nothing, unless it changes in the shop. It is compared with the ERP every night."),
}
_TIMED = {ItemState.READY, ItemState.RECONCILE}


def _what_next(order: StoredOrder, stopped: Pause | None) -> Next:
    state = ItemState(order.state)
    if state not in _TIMED:
        return Next(_NEXT[state])
    return Next(_NEXT[state], order.due_at, stopped)


# --- the timeline -----------------------------------------------------------------------------------------------

#: How a try ended (`sync.desk.outcomes.Action`, or the state in which it left the order).
_ENDED = {
    "done": say("done"),
    "waiting": say("waiting"),
    "skipped": say("skipped"),
    "parked": say("parked"),
    "retry": say("retry"),
    "reconcile": say("reconcile"),
    "park": say("park"),
    "pause": say("pause"),
}


def _came(event: Event) -> Moment:
    what = quote(event.topic or "order")
    text = say("%(what)s, version %(version)s", what=what, version=event.version) if event.version else what
    if event.repeats:
        text = say_many("%(what)s, once more", "%(what)s, %(count)s times more", event.repeats, what=text)
    return Moment(event.received_at, event.source, text, event=event.id)


def _wrote(intent: PastIntent) -> Moment:
    call, outcome = call_of(intent.kind, intent.action, intent.key), outcome_of(intent.outcome)
    text = say("%(call)s: %(outcome)s", call=call, outcome=outcome)
    # `sent_at` is the latest moment at which the call may begin, and may lie ahead.
    at = intent.closed_at or min(intent.sent_at, dt.datetime.now(dt.UTC))
    return Moment(at, "intent", text, outcome=intent.outcome)


def _tried(attempt: Attempt) -> Moment:
    seconds = (attempt.ended_at - attempt.started_at).total_seconds()
    text = say(
        "%(outcome)s in %(seconds)s s",
        outcome=_ENDED.get(attempt.outcome, quote(attempt.outcome)),
        seconds=f"{seconds:.2f}",
    )
    if attempt.profile_revision is not None:
        text = say("%(what)s, by revision %(number)s of the mapping", what=text, number=attempt.profile_revision)
    if attempt.message:
        text = joined(": ", (text, attempt.message))
    return Moment(attempt.started_at, "attempt", text, seconds, attempt.outcome, attempt)


def _linked(binding: BindingRow) -> Moment:
    name = binding.number or f"id {binding.external_id}"
    text = say("%(kind)s %(name)s of %(connection)s", kind=binding.kind, name=name, connection=binding.connection)
    if binding.ended_at:
        text = say("%(what)s, until %(moment)s UTC", what=text, moment=f"{binding.ended_at:%Y-%m-%d %H:%M}")
    return Moment(binding.created_at, "linked", text)


def _decided(change: ChangeRow) -> Moment:
    words = [
        ACTIONS.get(change.action, quote(change.action)),
        change.after,
        f"({change.reason})" if change.reason else "",
    ]
    text = say("%(who)s: %(what)s", who=change.actor, what=joined(" ", filter(None, words)))
    return Moment(change.at, "person", text)


def _stop(row: history.StopRow) -> Stop:
    details = tuple((entry["path"], entry["reason"]) for entry in load_said(row.details))
    return Stop(row.issue_id, row.cause, row.title, row.next_step, row.owner, details)


# --- JSON -------------------------------------------------------------------------------------------------------


def passport_to_json(one: Passport) -> dict[str, Any]:
    """As the terminal and the JSON API tell it; times are ISO text, amounts text."""
    order = one.order
    return {
        "channel": order.channel,
        "external_id": order.external_id,
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "grand": f"{order.grand:f}" if order.id else None,
        "source_state": order.source_state,
        "state": order.state,
        "reason": order.reason,
        "due_at": order.due_at.isoformat(),
        "erp_id": order.erp_id,
        "erp_number": order.erp_number,
        "erp_total": order.erp_total,
        "sales": [
            {"erp_id": sale.external_id, "number": sale.number, "key": sale.key, "total": sale.total}
            for sale in one.sales
        ],
        "mapping": {
            "version": one.mapping_version,
            "revision": None if one.revision is None else revision_to_json(one.revision),
            "original": one.original,
            "pinned": one.kept.pinned_revision,
        },
        "next": _next_to_json(one.next),
        "seconds_to_erp": one.took_s,
        "causes": [
            {
                "cause": stop.cause,
                "title": stop.title,
                "next_step": stop.next_step,
                "details": [{"path": path, "reason": reason} for path, reason in stop.details],
            }
            for stop in one.stops
        ],
        "routing": None if one.route is None else _route_to_json(one.route),
        "care": dataclasses.asdict(one.care),
        "rejected": None if one.rejection is None else one.rejection.to_json(),
        "corrections": [correction_to_json(each, one.counting) for each in one.corrections],
        "crm": None if one.crm is None else one.crm.to_json(),
        "after_import": None if one.facets is None else facets_to_json(one.facets),
        "timeline": _timeline_to_json(one.timeline),
        "order": one.canonical,
    }


def revision_to_json(revision: Revision) -> dict[str, Any]:
    """Without its text."""
    return {
        "number": revision.number,
        "author": revision.author,
        "reason": revision.reason,
        "published_at": revision.published_at.isoformat(),
        "text_of": revision.text_of,
    }


def _next_to_json(following: Next) -> dict[str, Any]:
    return {
        "text": str(following.text),
        "at": None if following.at is None else following.at.isoformat(),
        "paused": None if following.pause is None else following.pause.reason,
    }


def _route_to_json(route: KeptRoute) -> dict[str, Any]:
    return {
        "warehouse": route.warehouse,
        "warehouses": list(route.warehouses),
        "rule": route.rule,
        "short": route.short,
        "given_up": [{"line": each.line, "quantity": f"{each.quantity:f}"} for each in route.given_up],
        "reason": str(route.reason),
        "read_at": None if route.read_at is None else route.read_at.isoformat(),
        "routed_at": route.routed_at.isoformat(),
    }


def _timeline_to_json(timeline: Sequence[Moment]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for moment in timeline:
        line: dict[str, Any] = {"at": moment.at.isoformat(), "what": moment.what, "text": moment.text}
        if moment.attempt is not None and moment.attempt.exchanges is not None:
            line["exchanges"] = load_json(unpack(moment.attempt.exchanges))
        lines.append(line)
    return lines
