"""What unsafe calls of the JSON API have answered, by the key that the caller chose: the same call is done once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sync.store.engine import Store
from sync.store.tables import api_answers
from sync.store.types import db_now

#: How long an answer is given again.
KEPT: Final = dt.timedelta(hours=24)
#: When a call that has not answered is over: its process was killed. A request takes 30 s at most.
OVER: Final = dt.timedelta(minutes=2)


#: An answer of which only the status is left.
_BLANK: Final = b"{}\n"


class Standing(enum.Enum):
    """How a call with a key stands, beside that it has answered."""

    #: It is this one's turn.
    FREE = enum.auto()
    #: The first one with the key still runs.
    RUNNING = enum.auto()
    #: The key belongs to another request.
    OTHER = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the first call with the key was answered."""

    status: int
    body: bytes


def begin_answer(store: Store, token_id: int, key: str, request_hash: str) -> Standing | Answer:
    """Whose turn it is; FREE has taken the key. Of many at once exactly one gets that. Raises DatabaseBusy."""
    try:
        store.write(lambda c: _take(c, token_id, key, request_hash))
    except IntegrityError:
        return store.write(lambda c: _look(c, token_id, key, request_hash))
    return Standing.FREE


def _take(connection: Connection, token_id: int, key: str, request_hash: str) -> None:
    values = {"token_id": token_id, "key": key, "request_hash": request_hash}
    connection.execute(insert(api_answers).values(**values, begun_at=db_now()))


def _look(connection: Connection, token_id: int, key: str, request_hash: str) -> Standing | Answer:
    table = api_answers.c
    query = select(table.id, table.request_hash, table.begun_at, table.status, table.body, db_now().label("now"))
    row = connection.execute(query.where(table.token_id == token_id, table.key == key).with_for_update()).first()
    if row is None:
        # Refused meanwhile: whoever asks again has their turn.
        return Standing.RUNNING
    age = row.now - row.begun_at
    if age > KEPT or (row.status is None and age > OVER and row.request_hash == request_hash):
        anew = {"request_hash": request_hash, "begun_at": row.now, "status": None, "body": None}
        connection.execute(update(api_answers).where(table.id == row.id).values(**anew))
        return Standing.FREE
    if row.request_hash != request_hash:
        return Standing.OTHER
    return Standing.RUNNING if row.status is None else Answer(row.status, row.body)


def keep_answer(connection: Connection, token_id: int, key: str, answer: Answer) -> None:
    """The call is done: this is what everybody gets who sends it again."""
    table = api_answers.c
    kept = update(api_answers).where(table.token_id == token_id, table.key == key, table.status.is_(None))
    connection.execute(kept.values(status=answer.status, body=answer.body))


def blank_answers(connection: Connection) -> None:
    """What was answered may have told of somebody who is erased: that it was done is kept, and no more."""
    connection.execute(update(api_answers).where(api_answers.c.status.is_not(None)).values(body=_BLANK))


def drop_answer(connection: Connection, token_id: int, key: str) -> None:
    """The call has changed nothing: the key is free again."""
    table = api_answers.c
    connection.execute(delete(api_answers).where(table.token_id == token_id, table.key == key, table.status.is_(None)))
