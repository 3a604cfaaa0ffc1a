"""Revisions of mapping profiles, look-up rows with patterns, and pauses that another system has asked for."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _note_asked_pauses()
    _share_payloads()
    _remake_lookups()
    op.add_column("order_routes", sa.Column("given_up", sa.Text(), server_default="[]", nullable=False))
    _keep_profiles()


def _note_asked_pauses() -> None:
    op.add_column("switches", sa.Column("asked", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("work_items", sa.Column("put_off_for", sa.String(length=128), nullable=True))
    put_off = sa.text("put_off_for IS NOT NULL")
    op.create_index(
        "ix_work_items_put_off_for", "work_items", ["put_off_for"], sqlite_where=put_off, postgresql_where=put_off
    )


def _keep_profiles() -> None:
    op.create_table(
        "profile_revisions",
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("text_of", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "number", name=op.f("pk_profile_revisions")),
    )
    op.create_table(
        "profile_drafts",
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(length=128), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_profile_drafts")),
    )
    op.add_column("orders", sa.Column("profile_revision", sa.Integer(), nullable=True))
    op.add_column("orders", sa.Column("mapped_rows", sa.LargeBinary(), nullable=True))
    op.add_column("orders", sa.Column("sale_rows", sa.LargeBinary(), nullable=True))


def _remake_lookups() -> None:
    """The same rows, each with an id of its own: SQLite cannot give a table another primary key."""
    connection = op.get_bind()
    texts = ("table_name", "scope", "source_value", "target_value", "changed_by")
    table = sa.table(
        "lookups",
        *(sa.column(name, sa.String()) for name in texts),
        sa.column("revision", sa.Integer()),
        sa.column("changed_at", UtcDateTime()),
    )
    rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    op.drop_table("lookups")
    op.create_table(
        "lookups",
        sa.Column("id", BigId, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("source_value", sa.String(length=255), nullable=False),
        sa.Column("conditions", sa.String(length=255), server_default="", nullable=False),
        sa.Column("target_value", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=128), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookups")),
    )
    op.create_index("uq_lookups_row", "lookups", ["table_name", "scope", "source_value", "conditions"], unique=True)
    op.create_table(
        "lookup_tables",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=128), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lookup_tables")),
    )
    # A star that was written before there were patterns means itself.
    for row in rows:
        row["source_value"] = row["source_value"].replace("*", r"\*")
    if rows:
        connection.execute(sa.insert(table), rows)


#: Rows that are moved in one go: more would only take memory.
_MOVED = 500


def _share_payloads() -> None:
    op.create_table(
        "payloads",
        sa.Column("id", BigId, nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payloads")),
        sa.UniqueConstraint("hash", name=op.f("uq_payloads_hash")),
    )
    # As one statement, because Alembic would make the table anew on SQLite: with all that came in it, twice.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE events ADD COLUMN payload_id {kind} CONSTRAINT fk_events_payload_id REFERENCES payloads (id)"
    )
    _move_bodies(op.get_bind())
    op.create_index(op.f("ix_events_payload_id"), "events", ["payload_id"])


def _move_bodies(connection: sa.Connection) -> None:
    """Each distinct body once. Processes of the version before may still write rows with their own: they stay so."""
    events = sa.table("events", sa.column("id"), sa.column("payload_id"), sa.column("body", sa.LargeBinary))
    payloads = sa.table("payloads", sa.column("id"), sa.column("hash"), sa.column("body", sa.LargeBinary))
    save = sa.text("INSERT INTO payloads (hash, body) VALUES (:hash, :body) ON CONFLICT (hash) DO NOTHING").bindparams(
        sa.bindparam("body", type_=sa.LargeBinary)
    )
    point = (
        sa.update(events)
        .where(events.c.id == sa.bindparam("event"))
        .values(payload_id=sa.bindparam("payload"), body=sa.bindparam("nothing", b"", type_=sa.LargeBinary))
    )
    query = sa.select(events.c.id, events.c.body).order_by(events.c.id).limit(_MOVED)
    reached = 0
    while rows := connection.execute(query.where(events.c.id > reached)).all():
        hashes = {row.id: hashlib.blake2b(row.body, digest_size=16).hexdigest() for row in rows}
        connection.execute(save, [{"hash": hashes[row.id], "body": row.body} for row in rows])
        chosen = sa.select(payloads.c.hash, payloads.c.id).where(payloads.c.hash.in_(set(hashes.values())))
        ids = {row.hash: row.id for row in connection.execute(chosen)}
        connection.execute(point, [{"event": row.id, "payload": ids[hashes[row.id]]} for row in rows])
        reached = rows[-1].id
