"""Who may sign in and do what: passwords, roles, sessions. Every change is audited in its own transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import re
import secrets
import threading
import zoneinfo
from collections.abc import Sequence
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sync.desk.phrases import Refusal, say
from sync.store import sessions, users
from sync.store.audit import Actor, record_audit
from sync.store.engine import DatabaseBusy, Store
from sync.store.sessions import Session
from sync.store.users import User

#: Each may do what the ones before it may.
ROLES: Final = ("viewer", "operator", "integrator", "admin")
#: A browser that nobody uses for so long is signed out, and every one after a working day.
IDLE: Final = dt.timedelta(hours=2)
LONGEST: Final = dt.timedelta(hours=14)
#: How long ended sessions are kept, for the list of who was there.
_KEPT: Final = dt.timedelta(days=30)
MIN_PASSWORD_CHARS: Final = 12
#: Hashing a longer one would cost whoever sends it nothing and us a lot.
MAX_PASSWORD_CHARS: Final = 256
_MIN_DIFFERENT_CHARS: Final = 5
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,126}[a-z0-9])?")

# The second of OWASP's equivalent settings: 19 MiB a hash, so that a burst of sign-ins fits beside the rest of the
# web process. A hash that was made with others is renewed at the next sign-in.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: So many hashes at a time, whatever strangers send.
_HASHING: Final = threading.BoundedSemaphore(4)
#: What an unknown login is verified against: it takes as long as a known one. Of 48 random bytes that nobody kept.
_NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$JVdIIKcUSrmKBdcPPHwlwg$0OUF37DbyDy6TFJ3Og0wfnfqZ6H79yIrPkqv7CgdPgM"


class AccountRefused(Refusal):
    """The change is not made. Whole sentences say why and what would do."""


@dataclasses.dataclass(frozen=True, slots=True)
class SignedIn:
    """A user in one browser."""

    user: User
    session: Session
    #: Time to say that it is used (`keep_alive`).
    stale: bool = False

    def may(self, role: str) -> bool:
        """Whether the user's role covers this one."""
        return covers(self.user.role, role)


def covers(has: str, needs: str) -> bool:
    """Whether the role `has` may do what `needs` may."""
    return ROLES.index(has) >= ROLES.index(needs)


def sign_in(
    store: Store, login: str, password: str, *, address: str, agent: str, before: str = ""
) -> tuple[str, User] | None:
    """The token of a new session and its user; None, after the same time, for whatever does not fit.

    `before` is the token that the browser held until now: it ends.
    """
    user = find_user(store, login)
    good = _verify(_NOBODY if user is None else user.password_hash, password)
    if user is None or not good or not user.active:
        return None
    token = secrets.token_urlsafe(32)
    renewed = _hash(password) if _HASHER.check_needs_rehash(user.password_hash) else ""

    def work(connection: Connection) -> bool:
        # The hashing took its time: a password that was changed meanwhile, or a user who was locked out, opens nothing.
        now = users.find_user(connection, user.login, lock=True)
        if now is None or not now.active or now.password_changed_at != user.password_changed_at:
            return False
        sessions.forget_sessions(connection, older=_KEPT)
        if before:
            sessions.end_session(connection, token_hash(before))
        if renewed:
            users.renew_hash(connection, user.id, renewed)
        users.note_sign_in(connection, user.id)
        sessions.open_session(connection, token_hash(token), user.id, address=address, agent=agent)
        record_audit(connection, Actor(user.login, f"console {address}"), "sign in", _subject(user.login))
        return True

    return (token, user) if store.write(work) else None


def load_signed_in(store: Store, token: str) -> SignedIn | None:
    """Who holds this token; None when its session has ended or timed out."""
    found = store.read(lambda c: sessions.load_session(c, token_hash(token), idle=IDLE, longest=LONGEST))
    if found is None:
        return None
    session, user, stale = found
    return SignedIn(user, session, stale)


def keep_alive(store: Store, who: SignedIn) -> None:
    """The person did something just now; where the database is busy, the next request says so."""
    try:
        store.write(lambda c: sessions.touch(c, who.session.token_hash))
    except DatabaseBusy:
        return


def sign_out(store: Store, who: SignedIn, *, actor: Actor) -> None:
    """End this browser's session."""

    def work(connection: Connection) -> None:
        sessions.end_session(connection, who.session.token_hash)
        record_audit(connection, actor, "sign out", _subject(who.user.login))

    store.write(work)


def end_sessions(store: Store, login: str, *, actor: Actor, but: str = "") -> int:
    """Sign the user out everywhere, but for the session of this hash; answers how many browsers that were."""

    def work(connection: Connection) -> int:
        user = _existing(connection, login)
        count = sessions.end_sessions(connection, user.id, but=but)
        record_audit(connection, actor, "sign out everywhere", _subject(user.login), after=f"{count} sessions ended")
        return count

    return store.write(work)


def sessions_of(store: Store, login: str) -> list[Session]:
    """The user's browsers that are signed in. Raises AccountRefused for an unknown login."""
    return store.read(lambda c: sessions.list_sessions(c, _existing(c, login).id, idle=IDLE, longest=LONGEST))


def list_users(store: Store) -> list[User]:
    """Every user."""
    return store.read(users.list_users)


def find_user(store: Store, login: str) -> User | None:
    """The user of this login."""
    return store.read(lambda c: users.find_user(c, normal_login(login)))


def nobody_yet(store: Store) -> bool:
    """Whether there is no user at all, so that nobody can sign in."""
    return not store.read(users.count_users)


def add_user(store: Store, login: str, password: str, role: str, *, actor: Actor) -> str:
    """A new user; answers the login as it is to be typed. Raises AccountRefused."""
    name = normal_login(login)
    if not _LOGIN.fullmatch(name):
        raise AccountRefused(
            say(
                "A login has letters a-z, digits and . _ @ + - inside, at most 128 characters; %(login)s is none.",
                login=repr(login),
            )
        )
    _demand_role(role)
    _demand_password(name, password)
    hashed = _hash(password)

    def work(connection: Connection) -> None:
        users.add_user(connection, name, hashed, role)
        record_audit(connection, actor, "user add", _subject(name), after=role)

    try:
        store.write(work)
    except IntegrityError:
        raise AccountRefused(say("There is a user %(login)s already.", login=name)) from None
    return name


def set_password(store: Store, login: str, password: str, *, actor: Actor, but: str = "") -> None:
    """A new password; it signs the user out everywhere but in the session of this hash. Raises AccountRefused."""
    _demand_password(normal_login(login), password)
    hashed = _hash(password)

    def work(connection: Connection) -> None:
        user = _existing(connection, login, lock=True)
        users.set_password(connection, user.id, hashed)
        ended = sessions.end_sessions(connection, user.id, but=but)
        record_audit(connection, actor, "user password", _subject(user.login), after=f"{ended} sessions ended")

    store.write(work)


def change_own_password(store: Store, who: SignedIn, old: str, new: str, *, actor: Actor) -> None:
    """The same by the user, who has to know the old one. Raises AccountRefused."""
    if not _verify(who.user.password_hash, old):
        raise AccountRefused(say("The present password is another one."))
    set_password(store, who.user.login, new, actor=actor, but=who.session.token_hash)


def set_role(store: Store, login: str, role: str, *, actor: Actor) -> None:
    """What the user may do, from the next click on. Raises AccountRefused."""
    _demand_role(role)

    def work(connection: Connection) -> None:
        users.lock_users(connection)
        user = _existing(connection, login)
        if user.role == role:
            return
        if user.active and user.role == "admin":
            _demand_another_admin(connection, user)
        users.set_role(connection, user.id, role)
        record_audit(connection, actor, "user role", _subject(user.login), before=user.role, after=role)

    store.write(work)


def set_active(store: Store, login: str, *, active: bool, actor: Actor) -> None:
    """Let the user sign in, or not any more: then every session ends at once. Raises AccountRefused."""

    def work(connection: Connection) -> None:
        users.lock_users(connection)
        user = _existing(connection, login)
        if user.active == active:
            return
        if not active and user.role == "admin":
            _demand_another_admin(connection, user)
        users.set_active(connection, user.id, active=active)
        if not active:
            sessions.end_sessions(connection, user.id)
        record_audit(connection, actor, "user enable" if active else "user disable", _subject(user.login))

    store.write(work)


def set_timezone(store: Store, who: SignedIn, timezone: str, *, actor: Actor) -> None:
    """In which zone the user reads times; empty for UTC. Raises AccountRefused."""
    if timezone and timezone not in zones():
        raise AccountRefused(say("%(zone)s is no time zone, e.g. Europe/Berlin.", zone=repr(timezone[:64])))

    def work(connection: Connection) -> None:
        users.set_timezone(connection, who.user.id, timezone)
        subject = _subject(who.user.login)
        record_audit(connection, actor, "user timezone", subject, before=who.user.timezone, after=timezone)

    store.write(work)


def set_shortcuts(store: Store, who: SignedIn, *, on: bool, actor: Actor) -> None:
    """Whether single keys do something on the pages."""

    def work(connection: Connection) -> None:
        users.set_shortcuts(connection, who.user.id, on=on)
        record_audit(connection, actor, "user shortcuts", _subject(who.user.login), after="on" if on else "off")

    store.write(work)


def set_language(store: Store, who: SignedIn, language: str, known: Sequence[str], *, actor: Actor) -> None:
    """In which of the known languages the user reads the console; empty for the browser's. Raises AccountRefused."""
    if language and language not in known:
        told = {"language": repr(language[:64]), "known": ", ".join(known)}
        raise AccountRefused(say("There is no language %(language)s; there are %(known)s.", **told))

    def work(connection: Connection) -> None:
        users.set_language(connection, who.user.id, language)
        subject = _subject(who.user.login)
        record_audit(connection, actor, "user language", subject, before=who.user.language, after=language)

    store.write(work)


@functools.cache
def zones() -> tuple[str, ...]:
    """The time zones that a user may choose: places, not the abbreviations of the past."""
    return tuple(sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")))


def new_password() -> str:
    """A random one that can be read out: 4 x 5 characters without those that look alike, about 97 bits."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(5)) for _ in range(4))


def normal_login(login: str) -> str:
    """The login as it is stored: people type capitals and blanks."""
    return login.strip().casefold()[:128]


def token_hash(token: str) -> str:
    """What of a token is stored. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _hash(password: str) -> str:
    with _HASHING:
        return _HASHER.hash(password)


def _verify(password_hash: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD_CHARS:
        # Nobody has such a one; the time is spent all the same.
        password_hash, password = _NOBODY, password[:MAX_PASSWORD_CHARS]
    try:
        with _HASHING:
            return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _demand_role(role: str) -> None:
    if role not in ROLES:
        raise AccountRefused(say("A role is one of %(roles)s.", roles=", ".join(ROLES)))


def _demand_password(login: str, password: str) -> None:
    if len(password) < MIN_PASSWORD_CHARS:
        raise AccountRefused(say("A password has %(least)s characters or more.", least=MIN_PASSWORD_CHARS))
    if len(password) > MAX_PASSWORD_CHARS:
        raise AccountRefused(say("A password has %(most)s characters or less.", most=MAX_PASSWORD_CHARS))
    beyond_login = password.casefold().replace(login, "")
    if len(beyond_login) < MIN_PASSWORD_CHARS // 2 or len(set(password)) < _MIN_DIFFERENT_CHARS:
        raise AccountRefused(say("This password is the first that anybody would try; take another one."))


def _demand_another_admin(connection: Connection, user: User) -> None:
    if users.count_users(connection, role="admin") < 2:  # noqa: PLR2004 - this one and another
        raise AccountRefused(say("%(login)s is the only admin: make another one first.", login=user.login))


def _existing(connection: Connection, login: str, *, lock: bool = False) -> User:
    user = users.find_user(connection, normal_login(login), lock=lock)
    if user is None:
        raise AccountRefused(say("There is no user %(login)s.", login=repr(login)))
    return user


def _subject(login: str) -> str:
    return f"user:{login}"
