"""What the console needs: sessions, the search by SKU, bulk runs, kept reports."""

from __future__ import annotations

import json
import zlib

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: table -> columns of the new indexes.
_INDEXES = (
    ("audit", ["actor"]),
    ("events", ["connection", "received_at"]),
    ("work_items", ["state", "updated_at"]),
    ("bindings", ["connection", "created_at"]),
    ("bindings", ["key"]),
    ("orders", ["customer_folded"]),
)
#: Orders that are made searchable at once.
_BATCH = 500


def upgrade() -> None:
    """Add them; nothing that stands is changed."""
    for column in (
        sa.Column("timezone", sa.String(length=64), server_default="", nullable=False),
        sa.Column("password_changed_at", UtcDateTime(), nullable=True),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
    ):
        op.add_column("users", column)
    op.add_column("audit", sa.Column("origin", sa.String(length=255), server_default="", nullable=False))
    op.add_column("attempts", sa.Column("blamed", sa.String(length=128), server_default="", nullable=False))
    folded = sa.Column("customer_folded", sa.String(length=255), server_default="", nullable=False)
    op.add_column("orders", folded)
    for table, columns in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    _create_sessions()
    _create_search()
    _create_bulk_runs()
    _create_reports()


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), server_default="", nullable=False),
        sa.Column("agent", sa.String(length=255), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])


def _create_search() -> None:
    op.create_table(
        "order_skus",
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_skus_order_id")),
        sa.PrimaryKeyConstraint("order_id", "sku", name=op.f("pk_order_skus")),
    )
    op.create_index(op.f("ix_order_skus_sku"), "order_skus", ["sku"])
    listed = ["item_id", "channel", "currency"]
    op.create_index("ix_orders_by_placed_at", "orders", ["placed_at", *listed, "grand_sort"])
    op.create_index("ix_orders_by_grand_sort", "orders", ["grand_sort", *listed, "placed_at"])
    _make_searchable(op.get_bind())


def _make_searchable(connection: sa.Connection) -> None:
    """The orders that are there already get what `sync.store.orders.save_orders` writes for new ones."""
    orders = sa.table("orders", *map(sa.column, ("id", "email", "customer", "customer_folded", "canonical")))
    skus = sa.table("order_skus", sa.column("order_id"), sa.column("sku"))
    query = sa.select(orders.c.id, orders.c.email, orders.c.customer, orders.c.canonical).order_by(orders.c.id)
    last = 0
    while rows := connection.execute(query.where(orders.c.id > last).limit(_BATCH)).all():
        last = rows[-1].id
        connection.execute(
            sa.update(orders)
            .where(orders.c.id == sa.bindparam("of"))
            .values(email=sa.bindparam("mail"), customer_folded=sa.bindparam("folded")),
            [
                {
                    "of": row.id,
                    "mail": row.email.lower()[:320],
                    "folded": "".join(f" {word}" for word in row.customer.casefold().split())[:255],
                }
                for row in rows
            ],
        )
        found = [
            {"order_id": row.id, "sku": sku}
            for row in rows
            for sku in sorted({line["sku"][:255] for line in json.loads(zlib.decompress(row.canonical))["lines"]})
            if sku
        ]
        if found:
            connection.execute(sa.insert(skus), found)


def _create_bulk_runs() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("issue_id", BigId, nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reached", BigId, server_default="0", nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=128), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_bulk_runs_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
    )
    running = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_bulk_runs_running",
        "bulk_runs",
        ["issue_id"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=128), server_default="", nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_kind_subject_at"), "reports", ["kind", "subject", "at"])
