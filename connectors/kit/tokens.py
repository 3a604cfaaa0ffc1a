"""Access tokens that many threads and processes share: one of them fetches a new one, the others wait and take it.

Systems give an account only so many tokens in ten minutes and then none at all, so that a token of each worker's own
would stop them all. The shelf on which it lies between processes holds it sealed under the secrets of its connection:
who can read the shelf alone can do nothing with it.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from connectors.kit.errors import Transient
from connectors.kit.words import say

#: A token that lives no longer than this is not taken for a call any more.
MARGIN_S = 60.0
#: So long may one process take to fetch a token before another one tries.
CLAIM_S = 30.0
_LOOK_S = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """What a system gave to be let in with."""

    value: str = dataclasses.field(repr=False)
    #: Unix times.
    made_at: float
    ends_at: float
    #: Where it is good for, if the system says so.
    address: str = ""


class Shelf(Protocol):
    """Where what processes share lies: a help and no truth, so that nothing of it raises."""

    def get(self, name: str) -> bytes | None:
        """What lies there; None also where the shelf is away."""
        ...

    def put(self, name: str, value: bytes, ttl_s: float) -> None:
        """Lay it there for so long."""
        ...

    def claim(self, name: str, ttl_s: float) -> str | None:
        """Take the turn for so long: a mark to give it up with. None: it is taken; empty: there is no shelf."""
        ...

    def give_up(self, name: str, mark: str) -> None:
        """Give the turn to the next, if it is still ours."""
        ...


class Tokens:
    """The token of one account. Thread-safe."""

    def __init__(
        self,
        name: str,
        secret: str,
        *,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`secret` is what only who may use the token knows; another one finds nothing on the shelf."""
        key = hashlib.sha256(secret.encode()).digest()
        self._seal = Fernet(base64.urlsafe_b64encode(key))
        self._name = f"{name}:{hashlib.sha256(key).hexdigest()[:16]}"
        self._shelf, self._clock, self._sleep = shelf, clock, sleep
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self, fetch: Callable[[], Token], *, patience_s: float = CLAIM_S) -> Token:
        """One that lives for a while yet; `fetch` is called where nobody has any. Raises what it raises, Transient."""
        with self._lock:
            if self._good(self._token):
                assert self._token is not None
                return self._token
            self._token = self._shared(fetch, patience_s)
            return self._token

    def refuse(self, token: Token) -> None:
        """The system lets nobody in with this one: the next call has another."""
        with self._lock:
            if self._token == token:
                self._token = None
            if self._shelf is not None and self._read() == token:
                self._shelf.put(self._name, b"", 1.0)

    def _shared(self, fetch: Callable[[], Token], patience_s: float) -> Token:
        shelf = self._shelf
        if shelf is None:
            return fetch()
        until = self._clock() + patience_s
        while True:
            if self._good(found := self._read()):
                assert found is not None
                return found
            mark = shelf.claim(self._name, CLAIM_S)
            if mark is not None:
                return self._fetched(shelf, fetch, mark)
            if self._clock() > until:
                raise Transient(say("another process fetches the access token, and has not got it yet"), code="no_turn")
            self._sleep(_LOOK_S)

    def _fetched(self, shelf: Shelf, fetch: Callable[[], Token], mark: str) -> Token:
        try:
            # Between the look and the turn somebody may have had it.
            found = self._read()
            if self._good(found):
                assert found is not None
                return found
            token = fetch()
            shelf.put(self._name, self._sealed(token), max(1.0, token.ends_at - self._clock()))
            return token
        finally:
            shelf.give_up(self._name, mark)

    def _good(self, token: Token | None) -> bool:
        return token is not None and token.ends_at - self._clock() > MARGIN_S

    def _read(self) -> Token | None:
        sealed = None if self._shelf is None else self._shelf.get(self._name)
        return self._opened(sealed) if sealed else None

    def _sealed(self, token: Token) -> bytes:
        return self._seal.encrypt(json.dumps(dataclasses.astuple(token)).encode())

    def _opened(self, sealed: bytes) -> Token | None:
        """None for what was not sealed by one who knows the secret."""
        try:
            return Token(*json.loads(self._seal.decrypt(sealed)))
        except InvalidToken:
            return None
