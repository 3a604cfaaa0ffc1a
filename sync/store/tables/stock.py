"""Stock: what the ERP has, what is sold and not reserved there yet, and what each shop shows."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: The ERP's figure per article and place, as last read. Quantities are exact text.
stock_levels = Table(
    "stock_levels",
    metadata,
    Column("connection", String(128), primary_key=True),
    #: The ERP's code of the article.
    Column("sku", String(255), primary_key=True),
    #: The ERP's code of the place.
    Column("location", String(128), primary_key=True),
    Column("quantity", Text, nullable=False),
    #: For showing only; null where the ERP does not say.
    Column("reserved", Text),
    #: When the call that read it began, by the database's clock: the version of the reading.
    Column("began_at", UtcDateTime, nullable=False),
    #: When the figure last became another one.
    Column("changed_at", UtcDateTime, nullable=False),
)

#: What an order takes out of an ERP connection's stock and the ERP's figure does not know yet: it counts until a
#: reading that began after `reserved_at`.
captured_lines = Table(
    "captured_lines",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    #: The ERP's code of the article.
    Column("sku", String(255), primary_key=True),
    #: The ERP's code of the place that the order is to be sent from.
    Column("location", String(128), primary_key=True),
    Column("connection", String(128), nullable=False),
    Column("quantity", Text, nullable=False),
    #: The order waits for a person; whether it counts is the channel's policy.
    Column("held", Boolean, nullable=False, server_default=false()),
    #: When we first knew of it, by the database's clock.
    Column("captured_at", UtcDateTime, nullable=False),
    #: When its document was seen in the state in which the ERP reserves, by the database's clock; null before.
    Column("reserved_at", UtcDateTime),
    Index(None, "connection", "sku"),
)

#: Articles of an ERP of which something has changed (a reading, an order) that no channel was told of yet.
touched_stock = Table(
    "touched_stock",
    metadata,
    Column("connection", String(128), primary_key=True),
    #: The ERP's code of the article.
    Column("sku", String(255), primary_key=True),
    #: Raised with every change, so that one which comes while the channels are told is not forgotten.
    Column("times", Integer, nullable=False, server_default="1"),
)

#: What a channel's shop shows of an article, and what we last made it show.
shown_stock = Table(
    "shown_stock",
    metadata,
    Column("channel", String(128), primary_key=True),
    #: The shop's SKU.
    Column("sku", String(255), primary_key=True),
    #: The shop's place; empty for a shop without places.
    Column("location", String(128), primary_key=True),
    Column("external_id", String(255), nullable=False, server_default=""),
    Column("parent_id", String(255), nullable=False, server_default=""),
    #: The shop's id of what holds its count: itself, or the product with which it is counted; empty for none.
    Column("counter", String(255), nullable=False, server_default=""),
    #: What we last wrote; null before the first time.
    Column("quantity", Text),
    Column("pushed_at", UtcDateTime),
    #: Began_at of the reading that the written figure came from: an older reading never overwrites a newer one.
    Column("version", UtcDateTime),
    #: What the shop shows as far as we know: what it showed when we last looked, or what we wrote since.
    Column("seen", Text),
    Column("seen_at", UtcDateTime),
    #: Rounds in a row for which the article has waited, because the shop showed less than all that we know explains.
    Column("waits", Integer, nullable=False, server_default="0"),
    #: Why it shows what it shows, in plain words.
    Column("reason", Text, nullable=False, server_default=""),
    Index(None, "channel", "pushed_at"),
    Index(None, "channel", "counter"),
)
