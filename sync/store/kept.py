"""The newest that came in of each record, for sources that cannot be asked again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import Connection, select

from sync.store.payloads import BODY, WITH_BODIES
from sync.store.tables import events


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A stored payload."""

    external_id: str
    version: str
    digest: str
    #: Compressed.
    body: bytes


def load_kept(connection: Connection, name: str, kind: str, external_ids: Sequence[str]) -> dict[str, Kept]:
    """External id -> the newest readable payload that is kept of it; at most some hundred ids at once."""
    table = events.c
    query = (
        select(table.external_id, table.version, table.digest, BODY)
        .select_from(WITH_BODIES)
        .where(table.connection == name, table.kind == kind, table.external_id.in_(external_ids))
        .where(table.problem == "", BODY.is_not(None))
        # Read again later, a delivery is as old as it is, and has a new id.
        .order_by(table.version, table.received_at, table.id)
    )
    # The later one of each takes the place of the earlier.
    return {row.external_id: Kept(*row) for row in connection.execute(query)}
