"""Doubtful matches: a customer of ours beside the records of another system that might be the same, and the decisions.

A match is asked once for each customer of a connection: by the key under which we know them again. What a person has
decided counts from then on for every order of that customer, until it is taken back or the record is gone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, func, select, update

from sync.store.tables import matches
from sync.store.types import db_now
from sync.store.upsert import dialect_of

#: Keys of one query; SQLite binds 32,766 values.
_KEYS: Final = 10_000
_LONGEST: Final = 255


class Answer(enum.StrEnum):
    """What a person has decided."""

    #: The customer is the chosen record.
    SAME = "same"
    #: None of them: the customer is to have a record of their own, or nothing is told of them.
    APART = "apart"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of somebody; what nobody knows is empty."""

    name: str = ""
    vat_id: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Person):
    """The customer as the order has them that was in doubt first."""

    channel: str = ""
    #: The order's external id, and the number by which people call it.
    order: str = ""
    number: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Person):
    """One record over there that might be the customer."""

    id: str
    #: By what people find it there, where that is not its id.
    code: str = ""
    #: What speaks for it: fields of `Person` in which both say the same.
    same: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What is asked. Equal `connection` and `key` are the same customer."""

    connection: str
    #: By what the customer is known again: `email:ann@shop.example`.
    key: str
    #: The rung of the match ladder on which it is in doubt: `code`, `vat_id`, `email`, `name`.
    rung: str
    customer: Customer
    candidates: tuple[Candidate, ...]

    @classmethod
    def _sides(cls, text: str) -> tuple[Customer, tuple[Candidate, ...]]:
        found = json.loads(text)
        candidates = (Candidate(**{**each, "same": tuple(each.get("same", ()))}) for each in found["candidates"])
        return Customer(**found["customer"]), tuple(candidates)

    @property
    def sides(self) -> str:
        """The customer and the candidates as they are kept."""
        sides = {"customer": _told(self.customer), "candidates": [_told(each) for each in self.candidates]}
        return json.dumps(sides, ensure_ascii=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Match(Doubt):
    """One of them as it stands."""

    id: int
    #: Why it is asked (again), where that is not that several were found.
    why: str
    opened_at: dt.datetime
    #: An Answer; empty while nobody has decided.
    answer: str
    #: Id of the record that the customer is; of `apart` the key of the one that is made for them.
    chosen: str
    decided_at: dt.datetime | None
    decided_by: str
    reason: str

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """From its row."""
        values: dict[str, Any] = {str(name): value for name, value in row.items()}
        customer, candidates = cls._sides(values.pop("sides"))
        return cls(customer=customer, candidates=candidates, **values)

    @property
    def is_open(self) -> bool:
        """Whether somebody has to decide."""
        return self.decided_at is None

    @property
    def chosen_candidate(self) -> Candidate | None:
        """The record that it is; None unless somebody has said so."""
        if self.answer != Answer.SAME:
            return None
        return next((each for each in self.candidates if each.id == self.chosen), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What counts for a customer."""

    match_id: int
    answer: Answer
    chosen: str


def _told(person: Person) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(person).items() if value}


# --- asking -----------------------------------------------------------------------------------------------------


def ask(connection: Connection, doubt: Doubt, *, why: str = "") -> int:
    """Have a person decide, and answer the match's id. Safe to repeat: what is known already is not written again.

    What was decided stays so, unless `why` says what is wrong with it: then it is open again.
    """
    table, key = matches.c, fitting(doubt.key)
    values = {"rung": doubt.rung, "sides": doubt.sides}
    row = connection.execute(
        select(table.id, table.decided_at, table.rung, table.sides)
        .where(table.connection == doubt.connection, table.key == key)
        .with_for_update()
    ).first()
    if row is None:
        new = {"connection": doubt.connection, "key": key, "why": why, "opened_at": db_now(), **values}
        statement = dialect_of(connection).insert(matches).values(**new)
        # Somebody may have asked since; what they were told is as good.
        same = statement.on_conflict_do_update(index_elements=[table.connection, table.key], set_={"rung": table.rung})
        return int(connection.execute(same.returning(table.id)).scalar_one())
    one = update(matches).where(table.id == row.id)
    if row.decided_at is not None:
        if why:
            connection.execute(one.values(why=why, opened_at=db_now(), **_UNDECIDED, **values))
    elif (row.rung, row.sides) != (doubt.rung, doubt.sides):
        connection.execute(one.values(**values))
    return int(row.id)


def fitting(key: str, longest: int = _LONGEST) -> str:
    """The key as it is kept: of a very long one the beginning, and what tells it from others that begin so."""
    if len(key) <= longest:
        return key
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return f"{key[: longest - len(digest) - 1]}~{digest}"


# --- deciding ---------------------------------------------------------------------------------------------------

_UNDECIDED: Final[Mapping[str, Any]] = {
    "answer": "", "chosen": "", "decided_at": None, "decided_by": "", "reason": "",
}  # fmt: skip


def decide(connection: Connection, match_id: int, answer: Answer, chosen: str, *, by: str, reason: str) -> bool:
    """Say what the customer is; False where it was decided meanwhile, or is not there."""
    table = matches.c
    values = {"answer": answer.value, "chosen": chosen, "decided_by": by[:128], "reason": reason}
    open_one = (table.id == match_id) & table.decided_at.is_(None)
    return bool(connection.execute(update(matches).where(open_one).values(decided_at=db_now(), **values)).rowcount)


def undo(connection: Connection, match_id: int, *, why: str) -> bool:
    """A decision counts no more, and somebody has to decide anew; False where nobody had."""
    table = matches.c
    decided = (table.id == match_id) & table.decided_at.is_not(None)
    values = {"why": why, "opened_at": db_now(), **_UNDECIDED}
    return bool(connection.execute(update(matches).where(decided).values(**values)).rowcount)


def withdraw(connection: Connection, match_ids: Collection[int]) -> None:
    """Nothing is in doubt any more of open ones: the other system knows by now."""
    if match_ids:
        table = matches.c
        connection.execute(delete(matches).where(table.id.in_(match_ids), table.decided_at.is_(None)))


def decision(connection: Connection, asked: str, key: str) -> Decision | None:
    """What was decided of one customer of the connection `asked`; None while nobody has."""
    return decisions(connection, asked, [key]).get(key)


def decisions(connection: Connection, asked: str, keys: Collection[str]) -> dict[str, Decision]:
    """Key -> what was decided; customers of whom nothing was are left out."""
    return {
        key: Decision(match.id, Answer(match.answer), match.chosen)
        for key, match in find_matches(connection, asked, keys).items()
        if not match.is_open
    }


# --- looking ----------------------------------------------------------------------------------------------------


def load_match(connection: Connection, match_id: int) -> Match | None:
    """One of them."""
    row = connection.execute(select(matches).where(matches.c.id == match_id)).mappings().first()
    return None if row is None else Match.of(row)


def find_match(connection: Connection, asked: str, key: str) -> Match | None:
    """The one of a customer of the connection `asked`, open or decided."""
    return find_matches(connection, asked, [key]).get(key)


def find_matches(connection: Connection, asked: str, keys: Collection[str]) -> dict[str, Match]:
    """Key -> the match of that customer, open or decided; customers that were never in doubt are left out."""
    table, wanted = matches.c, {fitting(key): key for key in keys}
    kept = sorted(wanted)
    found: dict[str, Match] = {}
    for start in range(0, len(kept), _KEYS):
        query = select(matches).where(table.connection == asked, table.key.in_(kept[start : start + _KEYS]))
        for row in connection.execute(query).mappings():
            found[wanted[row["key"]]] = Match.of(row)
    return found


def open_matches(
    connection: Connection, asked: str = "", *, after: int = 0, before: int | None = None, limit: int
) -> list[Match]:
    """Those that wait for a person, of one connection or of all, in the order in which they came.

    Behind the match `after`, or the last ones before `before`.
    """
    return _page(connection, _of(asked, matches.c.decided_at.is_(None)), after, before, limit)


def decided_matches(
    connection: Connection, asked: str = "", *, after: int = 0, before: int | None = None, limit: int
) -> list[Match]:
    """The same of those that are decided."""
    return _page(connection, _of(asked, matches.c.decided_at.is_not(None)), after, before, limit)


def _of(asked: str, state: ColumnElement[bool]) -> Select[Any]:
    query = select(matches).where(state)
    return query.where(matches.c.connection == asked) if asked else query


def _page(connection: Connection, query: Select[Any], after: int, before: int | None, limit: int) -> list[Match]:
    table, query = matches.c, query.limit(limit)
    if before is not None:
        query = query.where(table.id < before).order_by(table.id.desc())
    else:
        query = query.where(table.id > after).order_by(table.id)
    found = [Match.of(row) for row in connection.execute(query).mappings()]
    return found[::-1] if before is not None else found


def count_open(connection: Connection) -> dict[str, int]:
    """Connection -> how many wait for a person, along the index of the open ones; those without any are left out."""
    table = matches.c
    query = select(table.connection, func.count()).where(table.decided_at.is_(None)).group_by(table.connection)
    return {name: int(count) for name, count in connection.execute(query)}
