"""The one way to another system: the only caller of `requests`.

What it promises for every call:

* it ends by its deadline, whatever the server does (slow drip, endless body); only the system's name resolution
  keeps time-outs of its own;
* it goes to public addresses or to those that the administrator allowed, follows no redirect, and takes nothing from
  the environment (proxies, .netrc);
* it ends in a Response or in an error of our taxonomy, which says whether a write can have happened;
* it repeats only what is safe to repeat, within seconds; minutes and hours belong to the work item;
* nothing that it raises or records carries a secret.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json as jsonlib
import os
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import tenacity
import urllib3
from requests.auth import AuthBase

from connectors.kit import exchanges, strict_json
from connectors.kit.answers import Classifier, Response, classify
from connectors.kit.auth import RenewableAuth
from connectors.kit.base import Throttle
from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.guard import AddressGuard, Resolver, system_resolver
from connectors.kit.permits import demand_permit
from connectors.kit.redact import Redactor
from connectors.kit.wire import PinnedAdapter, deadline, read_capped, remaining_s
from connectors.kit.words import say

#: Attempts of one call, the first included.
MAX_ATTEMPTS = 4
#: A longer `Retry-After` goes to the work item: a worker does not sleep through it.
LONGEST_PAUSE_S = 20.0
DEFAULT_MAX_BYTES = 20_000_000

_READS = frozenset({"GET", "HEAD"})
_NO_CONTENT = frozenset({204, 205})
_REDIRECT = 300
_LOST = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)

Params = Mapping[str, str | int] | Iterable[tuple[str, str | int]]


class DryRun(ConnectorError):
    """Dry run: the write was recorded in the captured exchanges and not sent."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Call:
    """One call over all of its attempts."""

    method: str
    url: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    write: bool
    parse: bool
    auth: AuthBase | None
    classifier: Classifier | None
    until: float
    max_bytes: int
    attempt: int = 0
    #: An earlier attempt of a write may have landed, so a later "not sent" is no longer the whole truth.
    doubt: bool = False


class HttpClient:
    """Speaks HTTP for one connection; safe to share between threads, each gets connections of its own."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        max_bytes: int = DEFAULT_MAX_BYTES,
        allow_hosts: Iterable[str] = (),
        ca_file: str | None = None,
        throttle: Throttle | None = None,
        dry_run: bool = False,
        classifier: Classifier | None = None,
        verdict: Classifier | None = None,
        secrets: Iterable[str] = (),
        resolver: Resolver = system_resolver,
    ) -> None:
        """Reads settings; opens nothing.

        `secrets` are the texts that must never show; `classifier` is the connector's table of vendor codes.
        `verdict` is asked about JSON answers below 300 too, for systems that answer 200 whatever happened.

        `deadline_s` is the total of a call with all its attempts; `max_bytes` counts after decompression.
        Raises ConnectionBroken when the address cannot be used.
        """
        self.base_url = _checked(base_url)
        self.deadline_s = deadline_s
        self.dry_run = dry_run
        self._auth = auth
        self._headers = {
            "User-Agent": "Crossdock (python-requests)",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            **(headers or {}),
        }
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._max_bytes = max_bytes
        self._guard = AddressGuard(allow_hosts, resolver)
        self._verify: bool | str = ca_file or True
        self._throttle = throttle
        self._classifier = classifier
        self._verdict = verdict
        self._redactor = Redactor(secrets)
        self._local = threading.local()
        self._adapters: weakref.WeakSet[PinnedAdapter] = weakref.WeakSet()

    def get(self, path: str, params: Params | None = None, *, deadline_s: float | None = None) -> Response:
        """Read `path` below the base address; repeated within the deadline when the other side is away."""
        return self.request("GET", path, params=params, deadline_s=deadline_s)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        write: bool | None = None,
        repeatable: bool | None = None,
        parse: bool = True,
        anonymous: bool = False,
        classifier: Classifier | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Make one call and return its answer (status below 300), with parsed JSON unless `parse` is off.

        `path` is appended to the base address, already quoted. `json` is encoded exactly (no NaN, no Decimal: amounts
        are texts by then); `data` is sent as it is. `write=False` marks a POST that only reads. A write is repeated
        only when `repeatable` says that sending it twice does what sending it once does. `anonymous` leaves out the
        credentials. `classifier` and `max_bytes` take the place of the client's own for this call.

        Raises Transient (nothing was written; RateLimited says how long to stay away), ConnectionBroken,
        RecordRejected, OutcomeUnknown (only a write can have this), DryRun, and what a `permits.writes_need` raises.
        """
        is_write = method not in _READS if write is None else write
        call = _Call(
            method=method,
            url=self._url(path, params),
            path="/" + path.lstrip("/"),
            headers={**self._headers, **(headers or {})},
            body=data,
            write=is_write,
            parse=parse,
            auth=None if anonymous else self._auth,
            classifier=classifier or self._classifier,
            until=time.monotonic() + (self.deadline_s if deadline_s is None else deadline_s),
            max_bytes=self._max_bytes if max_bytes is None else max_bytes,
        )
        if json is not None:
            call.body = jsonlib.dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
            call.headers.setdefault("Content-Type", "application/json")
        if is_write and self.dry_run:
            self._skip(call)
        if not (repeatable if repeatable is not None else not is_write):
            return self._attempt(call)
        return self._repeat(call)

    def close(self) -> None:
        """Close the connections of all threads; the client can be used again afterwards."""
        for adapter in list(self._adapters):
            adapter.close()

    # -- attempts --------------------------------------------------------------------------------------------

    def _repeat(self, call: _Call) -> Response:
        """Seconds, not minutes: at most MAX_ATTEMPTS, and never beyond the deadline."""
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_repeating),
            wait=_pause,
            stop=lambda state: (
                state.attempt_number >= MAX_ATTEMPTS or time.monotonic() + state.upcoming_sleep >= call.until
            ),
            sleep=time.sleep,
            reraise=True,
        )
        try:
            return attempts(self._attempt, call)
        except (Transient, ConnectionBroken) as error:
            if not call.doubt:
                raise
            unknown = OutcomeUnknown(
                say("an earlier attempt may have been carried out; %(error)s", error=error), status=error.status
            )
        raise unknown

    def _attempt(self, call: _Call) -> Response:
        call.attempt += 1
        outcome = self._exchange(call)
        if (
            isinstance(outcome, Response)
            and isinstance(call.auth, RenewableAuth)
            and call.auth.ran_out(outcome)
            and call.auth.renew()
        ):
            # Refused at the door, so nothing was done; once, because a fresh login that is refused stays refused.
            outcome = self._exchange(call)
        error = self._judge(call, outcome) if isinstance(outcome, Response) else outcome
        if error is None:
            assert isinstance(outcome, Response)
            return outcome
        if isinstance(error, RateLimited) and self._throttle is not None:
            self._throttle.slow_down(error.retry_after_s)
        call.doubt = call.doubt or isinstance(error, OutcomeUnknown)
        error.args = (self._redactor.text(str(error)),)
        raise error

    def _judge(self, call: _Call, response: Response) -> ConnectorError | None:
        if response.status >= _REDIRECT:
            return (call.classifier(response) if call.classifier else None) or classify(response)
        if call.parse and response.data is not None and self._verdict is not None:
            return self._verdict(response)
        if not call.parse or response.data is not None or response.status in _NO_CONTENT or call.method == "HEAD":
            return None
        if response.body.strip() == b"null":
            return None
        # An HTML page with status 200 after a write: somebody answered, but nobody knows what was done.
        return _lost(
            call,
            say("%(response)s, which is no JSON that can be trusted", response=response),
            "not_json",
            response.status,
        )

    def _exchange(self, call: _Call) -> Response | ConnectorError:
        """Send and receive once; what went wrong on the way is returned, for it must be judged, not only raised."""
        if self._throttle is not None:
            self._throttle.wait(call.until - time.monotonic())
        prepared = self._prepare(call)
        started_at, started = dt.datetime.now(tz=dt.UTC), time.perf_counter()
        outcome: Response | ConnectorError
        if call.write:
            demand_permit()
        with deadline(call.until):
            try:
                outcome = self._complete(call, prepared)
            except ConnectorError as error:
                # From the connection's set-up: nothing was sent.
                outcome = error
            except _LOST as error:
                outcome = _lost(
                    call,
                    say(
                        "%(method)s %(path)s broke off: %(error)s",
                        method=call.method,
                        path=call.path,
                        error=_reason(error),
                    ),
                    "broken_off",
                )
        if exchanges.capturing():
            self._publish(prepared, outcome, started_at, time.perf_counter() - started)
        return outcome

    def _complete(self, call: _Call, prepared: requests.PreparedRequest) -> Response | ConnectorError:
        answer = self._send(prepared)
        body = self._receive(answer, call.max_bytes)
        if body is None:
            text = say(
                "%(method)s %(path)s was answered with more than %(max_bytes)s bytes",
                method=call.method,
                path=call.path,
                max_bytes=call.max_bytes,
            )
            return _lost(call, text, "too_large", answer.status_code)
        return Response(
            method=call.method,
            path=call.path,
            write=call.write,
            status=answer.status_code,
            headers=answer.headers,
            body=body,
            data=_parsed(body) if call.parse or answer.status_code >= _REDIRECT else None,
            attempt=call.attempt,
        )

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        """Send the request and read the answer's head. What is raised after the connection stood leaves doubt."""
        timeout = (min(self._connect_timeout_s, remaining_s()), self._read_timeout_s)
        return self._adapter().send(prepared, stream=True, timeout=timeout, verify=self._verify)

    def _receive(self, answer: requests.Response, max_bytes: int) -> bytes | None:
        """Read the answer's body to its end; None when it is larger than the cap."""
        try:
            return read_capped(answer.raw, max_bytes)
        except BaseException:
            # Half an answer is left in the connection: it must not be used again.
            answer.raw.close()
            raise

    # -- parts -----------------------------------------------------------------------------------------------

    def _prepare(self, call: _Call) -> requests.PreparedRequest:
        """Anew for each attempt: a signature with nonce and time is good for one."""
        prepared = requests.PreparedRequest()
        try:
            prepared.prepare(
                method=call.method, url=call.url, headers=dict(call.headers), data=call.body, auth=call.auth
            )
        except (ValueError, UnicodeError):
            problem = ConnectionBroken(say("the address or the credentials hold characters that HTTP cannot carry"))
        else:
            return prepared
        raise problem

    def _adapter(self) -> PinnedAdapter:
        """The adapter of this thread in this process: a forked child must not speak on its parent's sockets."""
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            local.pid = os.getpid()
            local.adapter = PinnedAdapter(self._guard)
            self._adapters.add(local.adapter)
        adapter: PinnedAdapter = local.adapter
        return adapter

    def _url(self, path: str, params: Params | None) -> str:
        url = f"{self.base_url}/{path.lstrip('/')}"
        if not params:
            return url
        pairs = params.items() if isinstance(params, Mapping) else params
        return f"{url}{'&' if '?' in path else '?'}{urlencode(list(pairs))}"

    def _skip(self, call: _Call) -> None:
        self._publish(self._prepare(call), DryRun(), dt.datetime.now(tz=dt.UTC), 0.0)
        raise DryRun

    def _publish(
        self,
        prepared: requests.PreparedRequest,
        outcome: Response | ConnectorError,
        started_at: dt.datetime,
        elapsed_s: float,
    ) -> None:
        redactor, answered = self._redactor, isinstance(outcome, Response)
        exchanges.publish(
            exchanges.Exchange(
                method=prepared.method or "",
                url=redactor.url(prepared.url or ""),
                request_headers=redactor.headers(prepared.headers),
                request_body=redactor.body(_plain(prepared.body), exchanges.BODY_LIMIT),
                status=outcome.status,
                response_headers=redactor.headers(outcome.headers) if isinstance(outcome, Response) else {},
                response_body=redactor.body(outcome.body, exchanges.BODY_LIMIT)
                if isinstance(outcome, Response)
                else "",
                started_at=started_at,
                elapsed_s=elapsed_s,
                error="" if answered else "dry run" if isinstance(outcome, DryRun) else redactor.text(str(outcome)),
            )
        )


def _worth_repeating(error: BaseException) -> bool:
    if isinstance(error, RateLimited):
        return error.retry_after_s <= LONGEST_PAUSE_S
    return isinstance(error, (Transient, OutcomeUnknown)) and error.code != "too_large"


def _pause(state: tenacity.RetryCallState) -> float:
    """What the server asks for, else exponential with full jitter: up to 0.5, 1, 2 s."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited):
        return error.retry_after_s
    return tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_S)(state)


def _lost(call: _Call, text: str, code: str, status: int | None = None) -> ConnectorError:
    """The request went out and no usable answer came back: harmless for a read, unknown for a write."""
    kind = OutcomeUnknown if call.write else Transient
    return kind(text, code=code, status=status)


def _parsed(body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except strict_json.InvalidJson:
        return None


def _plain(body: object) -> bytes | str | None:
    return body if isinstance(body, (bytes, str)) else None


def _reason(error: BaseException) -> str:
    """What broke, without addresses of objects and without the URL, which may carry credentials."""
    causes = [error]
    while (inner := causes[-1].__cause__ or causes[-1].__context__) is not None and inner not in causes:
        causes.append(inner)
    names = dict.fromkeys(type(cause).__name__ for cause in causes)
    told = next((cause.strerror for cause in reversed(causes) if isinstance(cause, OSError) and cause.strerror), None)
    return told or " < ".join(names)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname is not None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConnectionBroken(say("the address of the connection must look like https://host/path"))
    if parts.username is not None or parts.password is not None:
        raise ConnectionBroken(say("credentials belong into `auth` of the connection, not into its address"))
    if parts.query or parts.fragment:
        raise ConnectionBroken(say("the address of the connection must end with its path, without ? and #"))
    return url.rstrip("/")
