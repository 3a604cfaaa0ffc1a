"""The printable files of documents, as their system gave them, under tokens that nobody can guess."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from sync.store.tables import document_links, documents, files
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class KeptFile:
    """One file, without its bytes. `name` is the other system's and may be hostile: for showing only."""

    token: str
    document_id: int
    name: str
    content_type: str
    #: Digest of what is printed on it, as the document said when it was fetched.
    facts: str
    #: Hex, of the bytes.
    sha256: str
    size: int


def save_file(
    connection: Connection,
    document_id: int,
    name: str,
    content_type: str,
    body: bytes,
    *,
    facts: str,
    token: str = "",
) -> KeptFile:
    """Keep the file, beside what was kept of the document before; under another `token` where it is taken or empty."""
    digest = hashlib.sha256(body).hexdigest()
    if not token or connection.execute(select(files.c.id).where(files.c.token == token)).first() is not None:
        token = secrets.token_urlsafe(32)
    kept = KeptFile(token, document_id, name[:255], content_type[:128], facts, digest, len(body))
    connection.execute(insert(files).values(**dataclasses.asdict(kept), body=body, fetched_at=db_now()))
    return kept


def newest_files(connection: Connection, document_ids: Sequence[int]) -> dict[int, KeptFile]:
    """Document id -> the newest file of it."""
    table = files.c
    query = (
        select(*(table[field.name] for field in dataclasses.fields(KeptFile)))
        .where(table.document_id.in_(document_ids))
        .order_by(table.id)
    )
    return {row.document_id: KeptFile(*row) for row in connection.execute(query)}


def load_file(connection: Connection, token: str) -> tuple[KeptFile, bytes] | None:
    """One file with its bytes; None for a token that is not ours."""
    table = files.c
    columns = [table[field.name] for field in dataclasses.fields(KeptFile)]
    row = connection.execute(select(*columns, table.body).where(table.token == token)).first()
    return None if row is None else (KeptFile(*row[:-1]), row.body)


def load_file_of(connection: Connection, token: str, order_id: int) -> tuple[KeptFile, bytes] | None:
    """The same, of one order only; a document that covers several is of each."""
    found = load_file(connection, token)
    if found is None:
        return None
    table, links = documents.c, document_links.c
    query = (
        select(table.id)
        .outerjoin(document_links, (links.document_id == table.id) & (links.order_id == order_id))
        .where(table.id == found[0].document_id, (table.order_id == order_id) | (links.order_id == order_id))
    )
    return None if connection.execute(query).first() is None else found
