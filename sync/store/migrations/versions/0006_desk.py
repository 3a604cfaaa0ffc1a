"""The life of an issue, comments, tokens of programs, and what their calls have answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _create_api()
    _create_imports()
    _live_issues()


def _create_api() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    good = sa.text("revoked_at IS NULL")
    op.create_index("uq_api_tokens_name", "api_tokens", ["name"], unique=True, sqlite_where=good, postgresql_where=good)
    op.create_table(
        "api_answers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name=op.f("fk_api_answers_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_answers")),
        sa.UniqueConstraint("token_id", "key", name=op.f("uq_api_answers_token_id_key")),
    )


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("encoding", sa.String(length=16), server_default="", nullable=False),
        sa.Column("delimiter", sa.String(length=4), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column("report", sa.Text(), server_default="", nullable=False),
        sa.Column("seen", sa.String(length=64), server_default="", nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("uploaded_by", sa.String(length=128), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("taken_by", sa.String(length=128), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("token", name=op.f("uq_imports_token")),
    )
    op.create_index(op.f("ix_imports_uploaded_at"), "imports", ["uploaded_at"])


def _live_issues() -> None:
    op.add_column("issues", sa.Column("step", sa.String(length=16), server_default="", nullable=False))
    op.add_column("issues", sa.Column("code", sa.String(length=64), server_default="", nullable=False))
    op.add_column("issues", sa.Column("acknowledged_at", UtcDateTime(), nullable=True))
    op.add_column("issues", sa.Column("acknowledged_by", sa.String(length=128), server_default="", nullable=False))
    op.add_column("issues", sa.Column("snoozed_at", UtcDateTime(), nullable=True))
    op.add_column("issues", sa.Column("snoozed_by", sa.String(length=128), server_default="", nullable=False))
    op.add_column("issues", sa.Column("snoozed_until", UtcDateTime(), nullable=True))
    op.add_column("issues", sa.Column("snoozed_above", sa.Integer(), nullable=True))
    op.add_column("issues", sa.Column("assignee", sa.String(length=128), server_default="", nullable=False))
    op.add_column("issues", sa.Column("due_on", sa.String(length=10), server_default="", nullable=False))
    op.add_column("issues", sa.Column("regressed_at", UtcDateTime(), nullable=True))
    op.add_column("issues", sa.Column("regressions", sa.Integer(), server_default="0", nullable=False))
    op.add_column("bulk_runs", sa.Column("action", sa.String(length=16), server_default="retry", nullable=False))
    op.add_column("bulk_runs", sa.Column("per_minute", sa.Integer(), nullable=True))
    op.create_table(
        "comments",
        sa.Column("id", BigId, nullable=False),
        sa.Column("issue_id", BigId, nullable=True),
        sa.Column("item_id", BigId, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_comments_issue_id")),
        sa.ForeignKeyConstraint(["item_id"], ["work_items.id"], name=op.f("fk_comments_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_issue_id"), "comments", ["issue_id"])
    op.create_index(op.f("ix_comments_item_id"), "comments", ["item_id"])
