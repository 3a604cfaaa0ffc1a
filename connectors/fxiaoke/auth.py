"""Who asks: the token that both ways of asking share, and where each puts it.

New: headers. Legacy (`session`): fields of the body. Fxiaoke gives the same token for 6600 s, then a new one while the
old one lives on until 7200 s, and takes ten token calls a minute, never two at once: so one process asks, and all the
others take what it got (`connectors.kit.tokens`).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from requests import PreparedRequest

from connectors.fxiaoke import codes
from connectors.kit import strict_json
from connectors.kit.answers import Response
from connectors.kit.auth import RenewableAuth
from connectors.kit.base import ConnectorSettings
from connectors.kit.tokens import MARGIN_S, Token, Tokens

#: A token is taken for so long at most; the answer names its whole life.
RENEW_AFTER_S: Final = 6600.0
#: One that was made only now and is refused would be refused again: there are ten in a minute.
_FRESH_S: Final = 6.0


def trace_id() -> str:
    """A `thirdTraceId`: every request needs one that no other has."""
    return str(uuid.uuid4())


def token_of(value: str, *, company: str, user: str, life_s: float, now: float) -> Token:
    """`company` is `ea` or `corpId`, `user` for whom calls are made; both are kept where the token is good for."""
    return Token(value, now, now + min(RENEW_AFTER_S + MARGIN_S, life_s), f"{company} {user}")


class Granted(RenewableAuth):
    """A token that is asked for when nobody has one, and again when it grows old or is refused. Thread-safe."""

    def __init__(
        self, settings: ConnectorSettings, grant: Callable[[], Token], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._grant, self._clock = grant, clock
        secret = f"{settings.key}\n{settings.secret}\n{settings.password}\n{settings.login}"
        self._tokens = Tokens(settings.name, secret, shelf=settings.shelf, clock=self.now)
        self._used = threading.local()

    def now(self) -> float:
        """Unix time."""
        return self._clock()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token where this scheme has it, and a trace id into the address."""
        self._used.token = token = self._tokens.current(self._grant)
        separator = "&" if "?" in (r.url or "") else "?"
        r.url = f"{r.url}{separator}{urlencode({'thirdTraceId': trace_id()})}"
        company, _, user = token.address.partition(" ")
        self._sign(r, token.value, company, user)
        return r

    @abstractmethod
    def _sign(self, r: PreparedRequest, token: str, company: str, user: str) -> None:
        """Say who asks."""

    def ran_out(self, response: Response) -> bool:
        """By the code of the body."""
        return codes.code_of(response.data) in codes.STALE

    def renew(self) -> bool:
        """Forget the token that this thread used last, unless it was made only now."""
        token: Token | None = getattr(self._used, "token", None)
        if token is None or self.now() - token.made_at < _FRESH_S:
            return False
        self._tokens.refuse(token)
        return True


class InHeaders(Granted):
    """The new scheme."""

    def _sign(self, r: PreparedRequest, token: str, company: str, user: str) -> None:
        r.headers["Authorization"] = f"Bearer {token}"
        r.headers["x-fs-ea"] = company
        r.headers["x-fs-userid"] = user


class InBody(Granted):
    """The legacy scheme: no headers, three fields at the top of the body."""

    def _sign(self, r: PreparedRequest, token: str, company: str, user: str) -> None:
        body: dict[str, Any] = strict_json.loads(r.body or b"{}")
        who = {"corpAccessToken": token, "corpId": company, "currentOpenUserId": user}
        r.body = json.dumps(body | who, ensure_ascii=False, separators=(",", ":")).encode()
