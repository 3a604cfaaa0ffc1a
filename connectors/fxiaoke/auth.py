"""Who asks: the token that both ways of asking share, and where each puts it.

New: headers. Legacy (`session`): fields of the body. Fxiaoke gives the same token for 6600 s, then a new one while the
old one lives on until 7200 s, and takes ten token calls a minute, never two at once: so one thread asks, the others
wait for it.
"""

from __future__ import annotations

import dataclasses
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

#: A token is taken for so long at most; the answer names its whole life.
RENEW_AFTER_S: Final = 6600.0
#: Of the last minutes of its life somebody else's clock may have another opinion.
_MARGIN_S: Final = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token call answers."""

    value: str = dataclasses.field(repr=False)
    #: `ea` in the new scheme, `corpId` in the legacy one.
    company: str
    #: For whom the calls are made: `x-fs-userid`, or `currentOpenUserId`.
    user: str
    life_s: float


def trace_id() -> str:
    """A `thirdTraceId`: every request needs one that no other has."""
    return str(uuid.uuid4())


class Granted(RenewableAuth):
    """A token that is asked for when it is first needed, and again when it grows old or is refused."""

    def __init__(self, grant: Callable[[], Token], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._grant, self._clock = grant, clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._until = 0.0
        self._used = threading.local()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token where this scheme has it, and a trace id into the address."""
        with self._lock:
            if self._token is None or self._clock() >= self._until:
                self._token = self._grant()
                self._until = self._clock() + min(RENEW_AFTER_S, max(self._token.life_s - _MARGIN_S, 0.0))
            token = self._token
        self._used.value = token
        separator = "&" if "?" in (r.url or "") else "?"
        r.url = f"{r.url}{separator}{urlencode({'thirdTraceId': trace_id()})}"
        self._sign(r, token)
        return r

    @abstractmethod
    def _sign(self, r: PreparedRequest, token: Token) -> None:
        """Say who asks."""

    def ran_out(self, response: Response) -> bool:
        """By the code of the body."""
        return codes.code_of(response.data) in codes.STALE

    def renew(self) -> bool:
        """Forget the token that this thread used last; another thread may have another by now."""
        with self._lock:
            if self._token is getattr(self._used, "value", None):
                self._token = None
        return True


class InHeaders(Granted):
    """The new scheme."""

    def _sign(self, r: PreparedRequest, token: Token) -> None:
        r.headers["Authorization"] = f"Bearer {token.value}"
        r.headers["x-fs-ea"] = token.company
        r.headers["x-fs-userid"] = token.user


class InBody(Granted):
    """The legacy scheme: no headers, three fields at the top of the body."""

    def _sign(self, r: PreparedRequest, token: Token) -> None:
        body: dict[str, Any] = strict_json.loads(r.body or b"{}")
        who = {"corpAccessToken": token.value, "corpId": token.company, "currentOpenUserId": token.user}
        r.body = json.dumps(body | who, ensure_ascii=False, separators=(",", ":")).encode()
