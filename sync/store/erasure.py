"""Taking a customer out of everything that we keep; what is left are the accounts: numbers, totals, ids, states.

Personal data stands in fields that are known (columns, the customer and the addresses of an order), and in texts that
may repeat any of it: those are searched for what the order's own fields say. What only repeats what another system
has, its payloads, calls and files, is deleted.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, Text, cast, delete, exists, func, insert, null, or_, select, update

from sync.store.accepted import EDIT
from sync.store.bodies import dump_json, load_json, pack, unpack
from sync.store.payloads import BODY, WITH_BODIES, drop_unused
from sync.store.retention import open_item
from sync.store.tables import (
    attempts,
    audit,
    bulk_runs,
    comments,
    corrections,
    customer_orders,
    customers,
    documents,
    erasures,
    events,
    exchanges,
    files,
    intents,
    issue_documents,
    issues,
    lookups,
    matches,
    order_routes,
    orders,
    reports,
    work_items,
)
from sync.store.tracking import SENT, save_tracking, tracking_of
from sync.store.types import db_now

#: What stands in the place of something personal in a text.
ERASED: Final = "(erased)"
#: The parts of an order that say who it is for; country and region decide about tax.
_PEOPLE: Final = ("customer", "billing", "shipping")
_KEPT: Final = frozenset({"external_id", "guest", "country", "region"})
#: Fields of people that are told in one text with others.
_NAMES: Final = ("first_name", "last_name", "company", "street", "phone", "email", "vat_id")
#: What people have written, of whom nobody knows.
_FREE: Final[Mapping[str, Any]] = {"note": "", "po_number": "", "attributes": {}, "reason": ""}
#: Values of these are ids and codes, and never personal.
_CODES: Final = frozenset(
    {"sku", "external_id", "code", "currency", "product_id", "variant_id", "state", "link", "key"}
)
#: What is left of a document that is forgotten.
_NOTHING: Final = pack(dump_json({}))
#: A shorter text is found everywhere.
_SHORTEST: Final = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One order of a customer."""

    order_id: int
    item_id: int
    channel: str
    external_id: str
    number: str
    currency: str
    grand: str
    placed_on: str
    email: str
    state: str
    #: Something is still expected of it.
    is_open: bool


def find_customer(connection: Connection, customer: str) -> list[Found]:
    """The orders of a customer, by e-mail address or by the key under which the ERP has them."""
    table, item = orders.c, work_items.c
    corrected = _corrected_for(connection, customer) if "@" in customer else []
    keyed = select(intents.c.item_id).where(intents.c.kind == "party", intents.c.key == customer)
    query = (
        select(
            *(table.id, table.item_id, table.channel, table.external_id, table.number, table.currency, table.grand),
            *(table.placed_on, table.email, item.state, open_item(table.item_id)),
        )
        .join(work_items, item.id == table.item_id)
        .where(or_(table.email == customer.lower(), table.item_id.in_(keyed), table.item_id.in_(corrected)))
        .order_by(table.id)
    )
    return [Found(*row) for row in connection.execute(query)]


def _corrected_for(connection: Connection, email: str) -> list[int]:
    """Items that somebody has corrected, and that named this address before, or do in what was corrected."""
    table, sought = corrections.c, email.lower().encode()
    rows = connection.execute(select(table.item_id, table.original, table.changes)).all()
    return [row.item_id for row in rows if any(sought in unpack(each).lower() for each in (row.original, row.changes))]


# --- one order ---------------------------------------------------------------------------------------------------


def erase_order(connection: Connection, order_id: int, sources: Mapping[str, str]) -> None:
    """Take the customer out of one order and all that hangs on it, and remember that. Safe to repeat.

    `sources` has the source connection of each channel.
    """
    if connection.dialect.name == "sqlite":
        # Else what is deleted stays readable in the file until its room is used again.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    table = orders.c
    row = connection.execute(
        select(table.item_id, table.channel, table.external_id, table.canonical, table.pushed).where(
            table.id == order_id
        )
    ).one()
    corrected = _corrected_from(connection, row.item_id)
    records = [load_json(unpack(each)) for each in (row.canonical, row.pushed, *corrected) if each is not None]
    personal = Personal.of(records)
    connection.execute(
        update(orders)
        .where(table.id == order_id)
        .values(
            email="",
            customer="",
            customer_folded="",
            likeness="",
            canonical=pack(dump_json(_without_people(records[0], personal))),
            pushed=null(),
            mapped_rows=null(),
            sale_rows=null(),
        )
    )
    _erase_documents(connection, order_id, personal)
    _erase_buyer(connection, order_id, personal)
    _erase_item(connection, row.item_id, personal)
    _erase_corrections(connection, row.item_id, personal)
    received = (events.c.connection == sources.get(row.channel, "")) & (events.c.kind == "order")
    ids = select(events.c.id).where(received, events.c.external_id == row.external_id)
    forget_payloads(connection, list(connection.execute(ids).scalars()))
    _erase_texts(connection, order_id, f"order:{row.channel}:{row.external_id}", personal)
    if connection.execute(select(erasures).where(erasures.c.order_id == order_id)).first() is None:
        connection.execute(insert(erasures).values(order_id=order_id, erased_at=db_now()))


def _corrected_from(connection: Connection, item_id: int) -> list[bytes]:
    """What the order said before people corrected it: it names the customer too, with other words perhaps."""
    table = corrections.c
    query = select(table.original).where(table.item_id == item_id, table.basis == "order", table.original != _NOTHING)
    return list(connection.execute(query).scalars())


def _erase_corrections(connection: Connection, item_id: int, personal: Personal) -> None:
    """That there was a correction, by whom and when, stays."""
    mine = corrections.c.item_id == item_id
    _rewrite(connection, corrections, ("reason", "ended_reason"), personal, mine)
    connection.execute(update(corrections).where(mine).values(changes=pack(dump_json([])), original=_NOTHING))


def _without_people(record: dict[str, Any], personal: Personal) -> dict[str, Any]:
    for part in _PEOPLE:
        record[part] = {name: value if name in _KEPT else "" for name, value in record[part].items()}
    cleaned: dict[str, Any] = _without_free(personal.out_of(record))
    return cleaned


def _without_free(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _FREE[name] if name in _FREE else _without_free(each) for name, each in value.items()}
    return [_without_free(each) for each in value] if isinstance(value, list) else value


def _erase_documents(connection: Connection, order_id: int, personal: Personal) -> None:
    table = documents.c
    ids, parcels = [], {}
    for row in connection.execute(select(table.id, table.kind, table.body).where(table.order_id == order_id)).all():
        body = {} if row.kind == EDIT else personal.out_of(load_json(unpack(row.body)))
        connection.execute(update(documents).where(table.id == row.id).values(body=pack(dump_json(body))))
        ids.append(row.id)
        if row.kind in SENT:
            parcels[row.id] = tracking_of(body)
    save_tracking(connection, parcels)
    connection.execute(delete(files).where(files.c.document_id.in_(ids)))


def _erase_buyer(connection: Connection, order_id: int, personal: Personal) -> None:
    """Who bought, as a CRM is told of them. Which account it is stays: what the account shows is the accounts'."""
    mine = select(customer_orders.c.customer_id).where(customer_orders.c.order_id == order_id)
    buyer, item = customers.c, work_items.c
    for customer in connection.execute(mine).scalars().all():
        connection.execute(
            update(customers)
            .where(buyer.id == customer)
            .values(key=f"erased:{customer}", name="", email="", vat_id="", account_name="")
        )
        told = select(item.id).where(item.kind == "party", item.external_id == str(customer))
        for item_id in connection.execute(told).scalars().all():
            _erase_item(connection, item_id, personal)


def _erase_item(connection: Connection, item_id: int, personal: Personal) -> None:
    table, item = attempts.c, work_items.c
    event = connection.execute(select(item.event_id).where(item.id == item_id)).scalar()
    connection.execute(update(work_items).where(item.id == item_id).values(reason=""))
    if event is not None:
        forget_payloads(connection, [event])
    ids = select(table.exchanges_id).where(table.item_id == item_id, table.exchanges_id.is_not(None))
    forget_calls(connection, list(connection.execute(ids.distinct()).scalars()))
    connection.execute(update(attempts).where(table.item_id == item_id).values(message=""))
    party = (intents.c.item_id == item_id) & (intents.c.kind == "party") & intents.c.closed_at.is_not(None)
    connection.execute(update(intents).where(party).values(key=ERASED))
    mine = issue_documents.c.item_id == item_id
    stopped_by = select(issue_documents.c.issue_id).where(mine)
    _rewrite(connection, issues, ("subject", "title", "next_step"), personal, issues.c.id.in_(stopped_by))
    said = (comments.c.item_id == item_id) | comments.c.issue_id.in_(stopped_by)
    _rewrite(connection, comments, ("text",), personal, said)
    connection.execute(update(issue_documents).where(mine).values(details="[]"))


def _erase_texts(connection: Connection, order_id: int, subject: str, personal: Personal) -> None:
    _rewrite(connection, order_routes, ("reason",), personal, order_routes.c.order_id == order_id)
    _rewrite(connection, audit, ("before", "after", "reason"), personal, audit.c.subject == subject)
    if personal.emails:
        connection.execute(delete(lookups).where(func.lower(lookups.c.source_value).in_(sorted(personal.emails))))


def _rewrite(connection: Connection, table: Table, columns: Sequence[str], personal: Personal, which: Any) -> None:
    """Texts of a table without what is personal; rows without any are left alone."""
    [key] = table.primary_key.columns
    texts = [func.coalesce(table.c[name], "") for name in columns]
    for row in connection.execute(select(key, *texts).where(which)).all():
        cleaned = {name: personal.out_of_text(str(text)) for name, text in zip(columns, row[1:], strict=True)}
        if list(cleaned.values()) != [str(text) for text in row[1:]]:
            connection.execute(update(table).where(key == row[0]).values(**cleaned))


# --- what repeats another system ---------------------------------------------------------------------------------


def forget_payloads(connection: Connection, event_ids: Sequence[int]) -> None:
    """Delete what was received; whoever looks at its order again fetches it. What others received too stays theirs."""
    connection.execute(update(work_items).where(work_items.c.event_id.in_(event_ids)).values(event_id=null()))
    gone = connection.execute(delete(events).where(events.c.id.in_(event_ids)).returning(events.c.payload_id))
    drop_unused(connection, gone.scalars().all())


def forget_calls(connection: Connection, exchange_ids: Sequence[int]) -> None:
    """Delete what went over the wire; the tries stay."""
    connection.execute(update(attempts).where(attempts.c.exchanges_id.in_(exchange_ids)).values(exchanges_id=null()))
    connection.execute(delete(exchanges).where(exchanges.c.id.in_(exchange_ids)))


def naming(
    connection: Connection, table: Table, after: int, needles: Collection[str], size: int
) -> tuple[list[int], int]:
    """Ids of the next `size` payloads or calls that name a needle, and the id of the last that was looked at (or 0)."""
    body, source = (BODY, WITH_BODIES) if table is events else (table.c.body, table)
    query = select(table.c.id, body).select_from(source).where(table.c.id > after).order_by(table.c.id).limit(size)
    rows = connection.execute(query).all()
    sought = [needle.lower().encode() for needle in needles if len(needle) > _SHORTEST]
    found = [row.id for row in rows if any(each in unpack(row.body).lower() for each in sought)]
    return found, rows[-1].id if rows else 0


def open_among(connection: Connection, event_ids: Sequence[int]) -> list[int]:
    """Those of some payloads that somebody is still to look at."""
    item = work_items.c
    query = select(item.event_id).where(item.event_id.in_(event_ids), open_item(item.id))
    return list(connection.execute(query).scalars())


def erase_naming(connection: Connection, needles: Collection[str]) -> None:
    """Whatever else may name somebody, and belongs to no order of theirs: activity, causes, reports, matches."""
    personal = Personal(frozenset(needles), frozenset())
    for table, columns in (
        (audit, ("subject", "before", "after", "reason")),
        (issues, ("subject", "title", "next_step")),
        (comments, ("text",)),
        (reports, ("body",)),
        # Somebody may have searched for them, and then retried what was found.
        (bulk_runs, ("selection", "reason")),
    ):
        texts = [cast(table.c[name], Text) for name in columns]
        named = or_(*(text.icontains(needle, autoescape=True) for text in texts for needle in needles))
        _rewrite(connection, table, columns, personal, named)
    # Who they are elsewhere: whoever orders again is asked for again.
    told = (matches.c.key, matches.c.sides, matches.c.why, matches.c.reason)
    of_them = (cast(text, Text).icontains(needle, autoescape=True) for text in told for needle in needles)
    connection.execute(delete(matches).where(or_(*of_them)))


def erased_again(connection: Connection) -> list[int]:
    """Erased orders of which their system has sent something since."""
    item, again = work_items.c, attempts.alias("again").c
    sent = item.event_id.is_not(None) | exists().where(
        again.item_id == item.id, again.ended_at > erasures.c.erased_at, again.exchanges_id.is_not(None)
    )
    query = (
        select(erasures.c.order_id)
        .join(orders, orders.c.id == erasures.c.order_id)
        .join(work_items, item.id == orders.c.item_id)
        .where(sent, ~open_item(item.id))
    )
    return list(connection.execute(query).scalars())


# --- texts -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Personal:
    """What an order says of its customer: each is taken out of every text."""

    texts: frozenset[str]
    emails: frozenset[str]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Personal:
        """From canonical orders as JSON."""
        people = [record.get(part) or {} for record in records for part in _PEOPLE]
        texts = {text for person in people for text in _told(person)}
        emails = {str(person["email"]).lower() for person in people if person.get("email")}
        return cls(frozenset(texts), frozenset(emails))

    def out_of(self, value: Any) -> Any:
        """The same JSON without them."""
        if isinstance(value, str):
            return self.out_of_text(value)
        if isinstance(value, list):
            return [self.out_of(each) for each in value]
        if isinstance(value, dict):
            return {name: each if name in _CODES else self.out_of(each) for name, each in value.items()}
        return value

    def out_of_text(self, text: str) -> str:
        """One text without them."""
        for each in sorted(self.texts, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", ERASED, text, flags=re.IGNORECASE)
        return text


def _told(person: Mapping[str, Any]) -> Iterator[str]:
    for name in _NAMES:
        for line in str(person.get(name) or "").splitlines():
            if len(line.strip()) >= _SHORTEST:
                yield line.strip()
