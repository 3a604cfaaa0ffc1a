"""The JSON API: who may call it, and what its unsafe calls have answered."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: What a program shows to be let in. We hold the token's hash; a token that was revoked stays, for the audit.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False),
    #: Hex of SHA-256 of the token.
    Column("token_hash", String(64), nullable=False, unique=True),
    #: The token's first characters, by which people tell it from others.
    Column("hint", String(16), nullable=False),
    #: `orders:read` ..., separated by blanks.
    Column("scopes", Text, nullable=False),
    #: Names of the channels that it is limited to, separated by blanks; empty for all.
    Column("channels", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(128), nullable=False),
    #: Null for a token that ends only when it is revoked.
    Column("expires_at", UtcDateTime),
    #: Written at most every few minutes.
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # The audit names a token by its name, so two that are good at a time have two.
    Index(
        "uq_api_tokens_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

#: What a call with an Idempotency-Key has answered: the same call again gets the same answer, and does nothing.
api_answers = Table(
    "api_answers",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("token_id", BigId, ForeignKey("api_tokens.id"), nullable=False),
    Column("key", String(255), nullable=False),
    #: Hex of SHA-256 of method, path, query and body.
    Column("request_hash", String(64), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    #: Null while the first call runs.
    Column("status", Integer),
    Column("body", LargeBinary),
    UniqueConstraint("token_id", "key"),
)
