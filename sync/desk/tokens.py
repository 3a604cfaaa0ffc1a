"""Tokens of programs that call the JSON API: what each may do, and who gave it. Every change is audited."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import secrets
import string
import zlib
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sync.desk.accounts import token_hash
from sync.desk.phrases import Phrase, Refusal, say
from sync.store import tokens
from sync.store.audit import Actor, record_audit
from sync.store.engine import DatabaseBusy, Store
from sync.store.tokens import Token

#: What a token may be allowed -> what that lets a program do. Writing does not include reading.
SCOPES: Final[Mapping[str, Phrase]] = {
    "orders:read": say("see orders, with everything that happened to them"),
    "orders:write": say("retry, skip, approve and link orders"),
    "issues:read": say("see what stops orders, and why"),
    "issues:write": say("release the orders that a cause stops"),
    "mappings:read": say("see look-ups and mapping profiles"),
    "mappings:write": say("change look-ups, draft and publish mapping profiles"),
    "stock:read": say("see what the shops show, and why"),
    "connections:read": say("see how connections and channels are"),
    "connections:write": say("pause and resume connections and channels"),
    "proof:read": say("see the proof that both sides agree"),
    "operations:read": say("see schedules, leases and the queue"),
    "audit:read": say("see who changed what"),
    "sources:write": say("send in orders"),
}
#: By this, scanners of code and logs know a token of ours; the sum at its end tells it from what only looks alike.
PREFIX: Final = "cdk_"
_SIGNS: Final = string.digits + string.ascii_letters
_RANDOM: Final = 36
_SUM: Final = 6
_SHAPE: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _SUM}}}")
_HINT: Final = len(PREFIX) + 4
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
#: How old the note of a token's last use may be: it is not written with every call.
_STALE: Final = dt.timedelta(minutes=5)
MAX_DAYS: Final = 3650


class TokenRefused(Refusal):
    """The token is not made, or not revoked. Whole sentences say why and what would do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """A program that has shown a good token."""

    token: Token
    scopes: frozenset[str]
    #: The channels that it is limited to; empty for all.
    channels: frozenset[str]
    #: Time to say that it is used (`keep_used`).
    stale: bool = False

    def may(self, scope: str) -> bool:
        """Whether the token has this scope."""
        return scope in self.scopes

    def sees(self, channel: str) -> bool:
        """Whether the token reaches this channel."""
        return not self.channels or channel in self.channels

    @property
    def is_limited(self) -> bool:
        """Whether there are channels that it does not reach."""
        return bool(self.channels)

    def actor(self, origin: str) -> Actor:
        """Who it is for the audit; no login has a colon."""
        return Actor(f"token:{self.token.name}", f"api {origin}")


def make_token(
    store: Store,
    name: str,
    scopes: Collection[str],
    *,
    actor: Actor,
    channels: Collection[str] = (),
    known: Collection[str] = (),
    days: int | None = None,
) -> str:
    """A new token: the answer is the only place where it ever stands. Raises TokenRefused.

    `known` are the channels of the configuration, of which `channels` must be; `days` says how long it is good.
    """
    _demand(name, scopes, channels, known, days)
    token = _new()

    def work(connection: Connection) -> None:
        tokens.add_token(
            connection,
            name,
            token_hash(token),
            token[:_HINT],
            scopes=set(scopes),
            channels=set(channels),
            created_by=actor.name,
            lasts=None if days is None else dt.timedelta(days=days),
        )
        limits = [*sorted(scopes), *(f"channel:{channel}" for channel in sorted(channels))]
        limits += [] if days is None else [f"{days} days"]
        record_audit(connection, actor, "token add", f"token:{name}", after=", ".join(limits))

    try:
        store.write(work)
    except IntegrityError:
        raise TokenRefused(
            say("There is a token %(name)s already: revoke it first, or take another name.", name=name)
        ) from None
    return token


def _demand(
    name: str, scopes: Collection[str], channels: Collection[str], known: Collection[str], days: int | None
) -> None:
    if not _NAME.fullmatch(name):
        raise TokenRefused(
            say(
                "A token's name has letters a-z, digits and . _ - inside, at most 64 characters; %(name)s is none.",
                name=repr(name[:100]),
            )
        )
    if not scopes:
        raise TokenRefused(say("Say what the token may do: at least one scope."))
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise TokenRefused(
            say(
                "There is no scope %(scope)s; there are %(scopes)s.",
                scope=repr(unknown[0][:64]),
                scopes=", ".join(SCOPES),
            )
        )
    if missing := sorted(set(channels) - set(known)):
        raise TokenRefused(say("There is no channel %(channel)s.", channel=repr(missing[0][:128])))
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise TokenRefused(say("A token is good for 1 to %(most)s days.", most=MAX_DAYS))


def list_tokens(store: Store) -> list[Token]:
    """Every token, those that are good first."""
    return store.read(tokens.list_tokens)


def revoke_token(store: Store, name: str, *, actor: Actor) -> None:
    """End a token: its next call is refused. Raises TokenRefused for a name that no token has."""

    def work(connection: Connection) -> None:
        if not tokens.revoke_token(connection, name):
            raise TokenRefused(say("There is no token %(name)s that is not revoked.", name=repr(name[:64])))
        record_audit(connection, actor, "token revoke", f"token:{name}")

    store.write(work)


def authenticate(store: Store, token: str) -> Caller | None:
    """Who shows this token; None for one that was never made, is revoked or has expired. Raises DatabaseBusy."""
    if not looks_like_one(token):
        return None
    found = store.read(lambda c: tokens.load_token(c, token_hash(token), stale=_STALE))
    if found is None:
        return None
    row, stale = found
    return Caller(row, frozenset(row.scopes.split()), frozenset(row.channels.split()), stale)


def keep_used(store: Store, caller: Caller) -> None:
    """Remember that the token was used just now; where the database is busy, a later call does it."""
    try:
        store.write(lambda c: tokens.touch_token(c, caller.token.id))
    except DatabaseBusy:
        return


def looks_like_one(token: str) -> bool:
    """Whether a text can be a token of ours: one that was cut or mistyped costs no question to the database."""
    return bool(_SHAPE.fullmatch(token)) and token[-_SUM:] == _sum(token[len(PREFIX) : -_SUM])


def _new() -> str:
    """36 random signs are 214 bits: nobody finds one by trying, so a plain hash is enough to keep."""
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_RANDOM))
    return f"{PREFIX}{signs}{_sum(signs)}"


def _sum(signs: str) -> str:
    left, made = zlib.crc32(signs.encode()), ""
    for _ in range(_SUM):
        left, sign = divmod(left, len(_SIGNS))
        made = _SIGNS[sign] + made
    return made
