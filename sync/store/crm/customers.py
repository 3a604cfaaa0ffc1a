"""The customers of a CRM connection: which order is whose, and which account each of them is."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, bindparam, func, select, update

from sync.store.lists import in_lists
from sync.store.marks import mark_many
from sync.store.states import ItemState
from sync.store.tables import customer_orders, customers, orders, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of, replace_rows

#: Kind of the work item "customer P of channel C must be told"; its external id is the customer's.
KIND: Final = "party"
#: Facets: an order of it has moved; its account is looked for anew, whatever we believe.
BOUGHT, LOOK = "bought", "look"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer, as its newest order says, and its account as far as it is known."""

    id: int
    connection: str
    key: str
    name: str
    email: str
    vat_id: str
    account_id: str
    account_name: str
    found_by: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Whose order it is; `counts` and `refunded` as its source says."""

    order_id: int
    key: str
    name: str
    email: str
    vat_id: str
    counts: bool
    refunded: Decimal


_NAMES: Final = tuple(field.name for field in dataclasses.fields(Customer))
_COLUMNS: Final = tuple(customers.c[name] for name in _NAMES)
_values_of = operator.attrgetter(*_NAMES)


def save_bought(connection: Connection, crm: str, rows: Sequence[Bought]) -> frozenset[int]:
    """Note whose orders these are; answers the customers. Safe to repeat."""
    if not rows:
        return frozenset()
    now = connection.execute(select(db_now())).scalar_one()
    statement = dialect_of(connection).insert(customers)
    told = ("name", "email", "vat_id", "updated_at")
    statement = statement.on_conflict_do_update(
        index_elements=["connection", "key"], set_={name: statement.excluded[name] for name in told}
    )
    # In an order of their own two writers cannot dead-lock.
    newest = dict(sorted({row.key: row for row in rows}.items()))
    connection.execute(
        statement,
        [
            {
                "connection": crm,
                "key": row.key,
                "name": row.name,
                "email": row.email,
                "vat_id": row.vat_id,
                "created_at": now,
                "updated_at": now,
            }
            for row in newest.values()
        ],
    )
    ids = _ids_of(connection, crm, list(newest))
    before = _owners(connection, [row.order_id for row in rows])
    replace_rows(
        connection,
        customer_orders,
        [
            {
                "order_id": row.order_id,
                "customer_id": ids[row.key],
                "counts": row.counts,
                "refunded": f"{row.refunded:f}",
            }
            for row in {row.order_id: row for row in rows}.values()
        ],
        ("order_id",),
    )
    # Whose it was before has bought less by now.
    return frozenset(ids.values()) | frozenset(before.values())


def _ids_of(connection: Connection, crm: str, keys: Sequence[str]) -> dict[str, int]:
    table, found = customers.c, dict[str, int]()
    for some in in_lists(list(keys)):
        query = select(table.key, table.id).where(table.connection == crm, table.key.in_(some))
        found |= {row.key: row.id for row in connection.execute(query)}
    return found


def _owners(connection: Connection, order_ids: Sequence[int]) -> dict[int, int]:
    table = customer_orders.c
    query = select(table.order_id, table.customer_id).where(table.order_id.in_(order_ids))
    return {row.order_id: row.customer_id for row in connection.execute(query)}


def leave_out(connection: Connection, order_ids: Sequence[int]) -> frozenset[int]:
    """Their source does not want these orders any more, or does not have them; answers their customers."""
    found = _owners(connection, order_ids)
    if found:
        connection.execute(
            update(customer_orders).where(customer_orders.c.order_id.in_(list(found))).values(counts=False)
        )
    return frozenset(found.values())


def mark_customers(
    connection: Connection, channel: str, ids: Iterable[int], *, facet: str = BOUGHT, after_s: float = 0.0
) -> int:
    """Let a channel's drain tell of these customers; answers how many. A caller on SQLite passes some dozens."""
    return mark_many(connection, channel, KIND, map(str, ids), (facet,), after_s=after_s)


def load_customers(connection: Connection, ids: Iterable[int]) -> dict[int, Customer]:
    """Customers by their ids."""
    found: dict[int, Customer] = {}
    for some in in_lists(sorted(set(ids))):
        rows = connection.execute(select(*_COLUMNS).where(customers.c.id.in_(some)))
        found |= {row.id: _customer(row) for row in rows}
    return found


def customers_of(connection: Connection, crm: str, accounts: Iterable[str]) -> dict[str, list[Customer]]:
    """Account -> the customers that are known to be it, in order."""
    table = customers.c
    found: dict[str, list[Customer]] = {}
    for some in in_lists(sorted(set(accounts))):
        query = select(*_COLUMNS).where(table.connection == crm, table.account_id.in_(some)).order_by(table.id)
        for row in connection.execute(query):
            found.setdefault(row.account_id, []).append(_customer(row))
    return found


def _customer(row: object) -> Customer:
    return Customer(**dict(zip(_NAMES, _values_of(row), strict=True)))


_FOUND: Final = (
    update(customers)
    .where(customers.c.id == bindparam("of"))
    .values(
        account_id=bindparam("account"),
        account_name=bindparam("called"),
        found_by=bindparam("how"),
        updated_at=db_now(),
    )
)


def save_accounts(connection: Connection, found: Mapping[int, tuple[str, str, str]]) -> None:
    """Customer -> (id of its account, what the CRM calls that, how it was found); empty for one without."""
    if found:
        connection.execute(
            _FOUND,
            [
                {"of": customer, "account": account, "called": name[:255], "how": how}
                for customer, (account, name, how) in sorted(found.items())
            ],
        )


def customer_of_order(connection: Connection, order_id: int, crm: str) -> Customer | None:
    """Whose order it is; None where nobody has noted it yet."""
    query = (
        select(*_COLUMNS)
        .join(customer_orders, customer_orders.c.customer_id == customers.c.id)
        .where(customer_orders.c.order_id == order_id, customers.c.connection == crm)
    )
    row = connection.execute(query).first()
    return None if row is None else _customer(row)


def newest_orders(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Customer -> the newest of its orders, canonical and compressed; absent where nobody has one any more."""
    order, mine = orders.c, customer_orders.c
    found = {}
    for customer in ids:
        query = (
            select(order.canonical)
            .join(customer_orders, mine.order_id == order.id)
            .where(mine.customer_id == customer)
            .order_by(order.placed_at.desc(), order.id.desc())
            .limit(1)
        )
        if (row := connection.execute(query).first()) is not None:
            found[customer] = row.canonical
    return found


def standing_of(connection: Connection, channel: str, customer: int) -> tuple[str, str]:
    """(state of a channel's work on a customer, why); empty where there is none."""
    table = work_items.c
    query = select(table.state, table.reason).where(
        table.channel == channel, table.kind == KIND, table.external_id == str(customer)
    )
    row = connection.execute(query).first()
    return ("", "") if row is None else (row.state, row.reason)


def unnoted_orders(connection: Connection, channel: str, crm: str, after: int, limit: int) -> list[tuple[int, bytes]]:
    """(id, canonical order, compressed) of orders of a channel that are nobody's on this CRM yet, by id."""
    order, mine = orders.c, customer_orders.c
    noted = (
        select(mine.order_id)
        .join(customers, customers.c.id == mine.customer_id)
        .where(customers.c.connection == crm, mine.order_id == order.id)
    )
    query = (
        select(order.id, order.canonical)
        .where(order.channel == channel, order.id > after, ~noted.exists())
        .order_by(order.id)
        .limit(limit)
    )
    return [(row.id, row.canonical) for row in connection.execute(query)]


def without_account(connection: Connection, channel: str, after: int, limit: int) -> list[tuple[int, int]]:
    """(item, customer) of customers of a channel whom the CRM did not know, or who stopped, by item."""
    table = work_items.c
    resting = (ItemState.SKIPPED.value, ItemState.HELD.value, ItemState.PARKED.value)
    query = (
        select(table.id, table.external_id)
        .where(table.channel == channel, table.kind == KIND, table.state.in_(resting), table.id > after)
        .order_by(table.id)
        .limit(limit)
    )
    return [(row.id, int(row.external_id)) for row in connection.execute(query)]


def count_customers(connection: Connection, crm: str) -> tuple[int, int]:
    """(customers of a CRM connection, how many of them have an account)."""
    table = customers.c
    query = select(func.count(), func.count(func.nullif(table.account_id, ""))).where(table.connection == crm)
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])
