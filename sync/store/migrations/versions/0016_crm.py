"""The customers of a CRM: whose order is whose, which account each of them is, and what accounts were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them, empty: the nightly look takes in the orders that are there already."""
    op.create_table(
        "customers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("email", sa.String(length=320), server_default="", nullable=False),
        sa.Column("vat_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("account_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("account_name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("found_by", sa.String(length=16), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("connection", "key", name=op.f("uq_customers_connection_key")),
    )
    op.create_index(op.f("ix_customers_connection_account_id"), "customers", ["connection", "account_id"])
    op.create_table(
        "customer_orders",
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("customer_id", BigId, nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("refunded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_customer_orders_order_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_orders_customer_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_customer_orders")),
    )
    op.create_index(op.f("ix_customer_orders_customer_id"), "customer_orders", ["customer_id"])
    op.create_table(
        "told_accounts",
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("figures", sa.Text(), server_default="{}", nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "account_id", name=op.f("pk_told_accounts")),
    )
