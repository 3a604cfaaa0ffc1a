"""What the way back needs: documents that hang on orders, their files, and stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOW_THERE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Add them. `document_links` hung on bindings until now; nothing ever wrote to it."""
    op.drop_table("document_links")
    op.add_column("orders", sa.Column("pushed", sa.LargeBinary(), nullable=True))
    op.add_column("bindings", sa.Column("version", sa.String(length=64), server_default="", nullable=False))
    _create_documents()
    _create_routes()
    op.create_table(
        "document_links",
        sa.Column("document_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("part", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_document_links_document_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_document_links_order_id")),
        sa.PrimaryKeyConstraint("document_id", "order_id", name=op.f("pk_document_links")),
    )
    _create_files()
    _create_stock()


def _create_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), server_default="", nullable=False),
        sa.Column("number", sa.String(length=255), server_default="", nullable=False),
        sa.Column("state", sa.String(length=32), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("total", sa.Text(), server_default="", nullable=False),
        sa.Column("dated_on", sa.String(length=10), server_default="", nullable=False),
        sa.Column("digest", sa.String(length=32), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_from", BigId, nullable=True),
        sa.Column("made_digest", sa.String(length=32), server_default="", nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_documents_order_id")),
        sa.ForeignKeyConstraint(["made_from"], ["documents.id"], name=op.f("fk_documents_made_from")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("connection", "kind", "external_id", name=op.f("uq_documents_connection_kind_external_id")),
    )
    op.create_index(op.f("ix_documents_order_id"), "documents", ["order_id"])
    op.create_index(op.f("ix_documents_number"), "documents", ["number"])
    op.create_index(
        "uq_documents_made_from",
        "documents",
        ["made_from", "order_id", "key"],
        unique=True,
        sqlite_where=_NOW_THERE,
        postgresql_where=_NOW_THERE,
    )


def _create_routes() -> None:
    op.create_table(
        "order_routes",
        sa.Column("order_id", BigId, autoincrement=False, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("warehouse", sa.String(length=128), nullable=False),
        sa.Column("short", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("material", sa.String(length=32), nullable=False),
        sa.Column("parts", sa.Text(), server_default="[]", nullable=False),
        sa.Column("routed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_routes_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_routes")),
    )
    divided = sa.text("parts != '[]'")
    op.create_index(
        "ix_order_routes_divided", "order_routes", ["order_id"], sqlite_where=divided, postgresql_where=divided
    )


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("document_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("content_type", sa.String(length=128), nullable=False),
        sa.Column("facts", sa.String(length=32), server_default="", nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_files_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("token", name=op.f("uq_files_token")),
    )
    op.create_index(op.f("ix_files_document_id"), "files", ["document_id"])


def _create_stock() -> None:
    op.create_table(
        "stock_levels",
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Text(), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "sku", "location", name=op.f("pk_stock_levels")),
    )
    op.create_table(
        "captured_lines",
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=128), nullable=False),
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.Column("reserved_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_captured_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "sku", "location", name=op.f("pk_captured_lines")),
    )
    op.create_index(op.f("ix_captured_lines_connection_sku"), "captured_lines", ["connection", "sku"])
    op.create_table(
        "touched_stock",
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("connection", "sku", name=op.f("pk_touched_stock")),
    )
    op.create_table(
        "shown_stock",
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("parent_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("counter", sa.String(length=255), server_default="", nullable=False),
        sa.Column("quantity", sa.Text(), nullable=True),
        sa.Column("pushed_at", UtcDateTime(), nullable=True),
        sa.Column("version", UtcDateTime(), nullable=True),
        sa.Column("seen", sa.Text(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("waits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("channel", "sku", "location", name=op.f("pk_shown_stock")),
    )
    op.create_index(op.f("ix_shown_stock_channel_pushed_at"), "shown_stock", ["channel", "pushed_at"])
    op.create_index(op.f("ix_shown_stock_channel_counter"), "shown_stock", ["channel", "counter"])
