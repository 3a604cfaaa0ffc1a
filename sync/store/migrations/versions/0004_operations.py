"""What operating takes: alerts and whom they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Add them."""
    _create_alerts()
    _create_volumes()
    op.add_column("channel_states", sa.Column("canary_print", sa.String(length=32), server_default="", nullable=False))
    op.add_column("channel_states", sa.Column("canary_left", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "erasures",
        sa.Column("order_id", BigId, autoincrement=False, nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_erasures_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_erasures")),
    )
    # What is old is deleted from now on, and each row that goes asks who refers to it.
    op.create_index(op.f("ix_work_items_event_id"), "work_items", ["event_id"])
    op.create_index(op.f("ix_attempts_exchanges_id"), "attempts", ["exchanges_id"])


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=128), server_default="", nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_closed_at"), "alerts", ["closed_at"])
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["cause", "scope", "place"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "alert_messages",
        sa.Column("id", BigId, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_messages")),
        sa.UniqueConstraint("uid", name=op.f("uq_alert_messages_uid")),
    )
    op.create_index(op.f("ix_alert_messages_channel_made_at"), "alert_messages", ["channel", "made_at"])
    op.create_index(op.f("ix_alert_messages_sent_at_due_at"), "alert_messages", ["sent_at", "due_at"])
    op.create_table(
        "alert_news",
        sa.Column("alert_id", BigId, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("raised_in", BigId, nullable=False),
        sa.Column("over_in", BigId, nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_alert_news_alert_id")),
        sa.ForeignKeyConstraint(["raised_in"], ["alert_messages.id"], name=op.f("fk_alert_news_raised_in")),
        sa.ForeignKeyConstraint(["over_in"], ["alert_messages.id"], name=op.f("fk_alert_news_over_in")),
        sa.PrimaryKeyConstraint("alert_id", "channel", name=op.f("pk_alert_news")),
    )
    op.create_index(op.f("ix_alert_news_channel_over_in"), "alert_news", ["channel", "over_in"])


def _create_volumes() -> None:
    op.create_table(
        "volumes",
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("now", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_volumes")),
    )
