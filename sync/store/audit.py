"""Audit: who changed what, when, from where, why."""

from __future__ import annotations

import dataclasses

from sqlalchemy import Connection, insert

from sync.store.tables import audit
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes something: a login, and from where: `terminal <host>`, `console <address>`."""

    name: str
    origin: str = ""

    def __str__(self) -> str:
        return self.name


def record_audit(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    """Write it down, in the transaction of the change itself."""
    connection.execute(
        insert(audit).values(
            at=db_now(),
            actor=actor.name[:128],
            origin=actor.origin[:255],
            action=action,
            subject=subject[:320],
            before=before,
            after=after,
            reason=reason,
        )
    )
