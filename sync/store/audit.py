"""Audit: who changed what, when, why."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from sync.store.tables import audit
from sync.store.types import db_now


def record_audit(
    connection: Connection,
    actor: str,
    action: str,
    subject: str,
    *,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    """Who changed what, when, why."""
    connection.execute(
        insert(audit).values(
            at=db_now(), actor=actor, action=action, subject=subject, before=before, after=after, reason=reason
        )
    )
