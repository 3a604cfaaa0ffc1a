"""The tracking numbers of parcels, for the search: until now they stood in the bodies of shipments alone."""

from __future__ import annotations

import json
import zlib

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BATCH = 1_000


def upgrade() -> None:
    """Add them, with those of the shipments that are there."""
    op.create_table(
        "tracking_numbers",
        sa.Column("document_id", BigId, nullable=False),
        sa.Column("number", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_tracking_numbers_document_id")),
        sa.PrimaryKeyConstraint("document_id", "number", name=op.f("pk_tracking_numbers")),
    )
    op.create_index(op.f("ix_tracking_numbers_number"), "tracking_numbers", ["number"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """What `sync.store.documents.save_seen` writes for new ones."""
    documents = sa.table("documents", *map(sa.column, ("id", "kind", "body")))
    numbers = sa.table("tracking_numbers", sa.column("document_id"), sa.column("number"))
    query = sa.select(documents.c.id, documents.c.body).where(documents.c.kind.in_(("shipment", "return")))
    last = 0
    while rows := connection.execute(query.where(documents.c.id > last).order_by(documents.c.id).limit(_BATCH)).all():
        last = rows[-1].id
        if found := [{"document_id": row.id, "number": number} for row in rows for number in _numbers(row.body)]:
            connection.execute(sa.insert(numbers), found)


def _numbers(body: bytes) -> list[str]:
    parcels = json.loads(zlib.decompress(body)).get("parcels", ())
    folded = {"".join(parcel["tracking_number"].split()).upper()[:255] for parcel in parcels}
    return sorted(folded - {""})
