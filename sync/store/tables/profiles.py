"""Mapping profiles that people publish: each revision for ever, and what is being written of the next one."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from sync.store.tables.metadata import metadata
from sync.store.types import UtcDateTime

#: The one with the highest number of a channel is published, those below it are superseded. Rows never change.
profile_revisions = Table(
    "profile_revisions",
    metadata,
    Column("channel", String(128), primary_key=True),
    #: From 1 on, without gaps.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    #: Of what it says, whatever its comments and layout: SHA-256 in hex.
    Column("digest", String(64), nullable=False),
    Column("author", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    #: The older revision whose text this one has again; null for a new text.
    Column("text_of", Integer),
)

#: What is being written: one draft for a channel, so that two people meet in it instead of losing one's work.
profile_drafts = Table(
    "profile_drafts",
    metadata,
    Column("channel", String(128), primary_key=True),
    #: Counts each save; whoever saves names the one that was read.
    Column("version", Integer, nullable=False),
    #: The revision that was published when the draft was begun; 0 where there was none.
    Column("base", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("changed_by", String(128), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
