"""Tokens of programs that call the JSON API. A token lives in its row: revoking that ends it at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection

from sqlalchemy import Connection, insert, select, update

from sync.store.tables import api_tokens
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A row of `api_tokens`, without the hash."""

    id: int
    name: str
    hint: str
    #: `orders:read` ..., separated by blanks.
    scopes: str
    #: Names of channels, separated by blanks; empty for all.
    channels: str
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    used_at: dt.datetime | None
    revoked_at: dt.datetime | None


_COLUMNS = tuple(api_tokens.c[field.name] for field in dataclasses.fields(Token))


def add_token(
    connection: Connection,
    name: str,
    token_hash: str,
    hint: str,
    *,
    scopes: Collection[str],
    channels: Collection[str],
    created_by: str,
    lasts: dt.timedelta | None,
) -> None:
    """A new token, from now on. Raises sqlalchemy.exc.IntegrityError where another good one has the name."""
    now = connection.execute(select(db_now())).scalar_one()
    connection.execute(
        insert(api_tokens).values(
            name=name,
            token_hash=token_hash,
            hint=hint,
            scopes=" ".join(sorted(scopes)),
            channels=" ".join(sorted(channels)),
            created_at=now,
            created_by=created_by[:128],
            expires_at=None if lasts is None else now + lasts,
        )
    )


def load_token(connection: Connection, token_hash: str, *, stale: dt.timedelta) -> tuple[Token, bool] | None:
    """The good token with this hash and whether it is time to `touch_token` it; None for one that has ended.

    Judged by the database's clock.
    """
    row = connection.execute(
        select(*_COLUMNS, db_now()).where(api_tokens.c.token_hash == token_hash, api_tokens.c.revoked_at.is_(None))
    ).first()
    if row is None:
        return None
    token, now = Token(*row[:-1]), row[-1]
    if token.expires_at is not None and token.expires_at <= now:
        return None
    return token, token.used_at is None or now - token.used_at > stale


def touch_token(connection: Connection, token_id: int) -> None:
    """Somebody called with it just now."""
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=db_now()))


def list_tokens(connection: Connection) -> list[Token]:
    """Every token, those that are not revoked first, by name."""
    table = api_tokens.c
    query = select(*_COLUMNS).order_by(table.revoked_at.is_not(None), table.name, table.id.desc())
    return [Token(*row) for row in connection.execute(query)]


def revoke_token(connection: Connection, name: str) -> bool:
    """End the token of this name now; False where there is none that is not revoked."""
    table = api_tokens.c
    ended = update(api_tokens).where(table.name == name, table.revoked_at.is_(None)).values(revoked_at=db_now())
    return bool(connection.execute(ended).rowcount)
