"""CRM: the customers of our orders, which account each of them is, and what accounts were told."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: One customer of the channels that share a CRM connection. Several may be one account.
customers = Table(
    "customers",
    metadata,
    Column("id", BigId, primary_key=True),
    #: The CRM's.
    Column("connection", String(128), nullable=False),
    #: By what it is the same customer again: `account:`, `vat:`, `email:`, `customer:` or `order:` and a value.
    Column("key", String(400), nullable=False),
    #: As the newest order says.
    Column("name", String(255), nullable=False, server_default=""),
    Column("email", String(320), nullable=False, server_default=""),
    Column("vat_id", String(64), nullable=False, server_default=""),
    #: The CRM's id of the account; empty while nobody knows.
    Column("account_id", String(255), nullable=False, server_default=""),
    #: What the CRM calls it.
    Column("account_name", String(255), nullable=False, server_default=""),
    #: How it was found: `account`, `match`, `person`, `created`; empty while it is not.
    Column("found_by", String(16), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("connection", "key"),
    Index(None, "connection", "account_id"),
)

#: Whose order it is, and what the source says of it that the order's row does not.
customer_orders = Table(
    "customer_orders",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    Column("customer_id", BigId, ForeignKey("customers.id"), nullable=False),
    #: The source still wants it.
    Column("counts", Boolean, nullable=False),
    #: What the source gave back of it, with tax, in its currency.
    Column("refunded", Text, nullable=False),
    Index(None, "customer_id"),
)

#: What an account of a CRM shows as far as we know.
told_accounts = Table(
    "told_accounts",
    metadata,
    Column("connection", String(128), primary_key=True),
    Column("account_id", String(255), primary_key=True),
    #: Digest of the payload; empty from before a write until its end is known.
    Column("digest", String(32), nullable=False),
    #: JSON of the figures, as last written.
    Column("figures", Text, nullable=False, server_default="{}"),
    Column("told_at", UtcDateTime),
)

#: Entries of customers' histories: one for an order, and for each parcel, invoice and credit note of it.
told_entries = Table(
    "told_entries",
    metadata,
    Column("connection", String(128), primary_key=True),
    #: By this it is found in the CRM: it stands in the entry.
    Column("key", String(255), primary_key=True),
    #: `order`, `shipment`, `invoice`, `credit_note`.
    Column("kind", String(16), nullable=False),
    Column("order_id", BigId, ForeignKey("orders.id"), nullable=False),
    #: At which it was written.
    Column("account_id", String(255), nullable=False),
    #: `announced` from before the write until its end is known; `told`, `refused`.
    Column("state", String(16), nullable=False),
    #: When it was announced last.
    Column("sent_at", UtcDateTime, nullable=False),
    #: The CRM's id of it.
    Column("entry_id", String(255), nullable=False, server_default=""),
    Column("ended_at", UtcDateTime),
    Index(None, "order_id"),
)
