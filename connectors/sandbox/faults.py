"""Scriptable faults: which requests go wrong, whether their effect happens, and how the reply breaks.

A fault is one JSON object, in process (`plan.add(kind="commit_then_drop", method="POST", nth=2)`) or over HTTP
(`POST /_sandbox/faults`). Three questions are kept apart:

* *which request*: `method`, `path` (a glob on the path), `body_contains`, then of those that match skip to the
  `nth`, at most `count` times (null: always), each with `probability` (own generator, `seed`), and only for
  `for_s` seconds after the fault was set (an outage that ends by itself);
* *the effect*: `none`, `before` the reply, or `later`, `after_s` seconds after the request came;
* *the reply*: see `REPLIES`. Each kind is a reply with its usual effect; `effect` overrides it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import fnmatch
import random
import threading
import time
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

from connectors.sandbox.exchange import Headers, Request, Response


class Effect(enum.StrEnum):
    """When the app sees the request."""

    NONE = "none"
    BEFORE = "before"
    LATER = "later"


class Reply(enum.StrEnum):
    """What the client gets."""

    #: The app's own reply, after `hold_s`.
    DELAY = "delay"
    #: `status` with `retry_after` and `body`: 429, 5xx, whatever is asked for.
    STATUS = "status"
    #: An HTML page with `status` 200.
    HTML = "html"
    #: `status` 200 and no body.
    EMPTY = "empty"
    #: The connection is reset (RST).
    RESET = "reset"
    #: The connection is closed in order (FIN), without a byte.
    CLOSE = "close"
    #: Nothing for `hold_s`, then closed.
    HANG = "hang"
    #: `Content-Length` promises more than is sent, then closed.
    TRUNCATE = "truncate"
    #: `Content-Length` promises less than is sent, then closed.
    OVERLONG = "overlong"
    #: The app's reply, one byte of the body every `interval_s`.
    DRIP = "drip"
    #: `size_mb` megabytes of spaces and then `{}`, gzipped.
    GZIP_BOMB = "gzip_bomb"


#: kind -> (what the client gets, whether the effect happens unless `effect` says otherwise)
KINDS: dict[str, tuple[Reply, Effect]] = {
    "delay": (Reply.DELAY, Effect.BEFORE),
    "status": (Reply.STATUS, Effect.NONE),
    "html": (Reply.HTML, Effect.NONE),
    "empty": (Reply.EMPTY, Effect.NONE),
    "reset": (Reply.RESET, Effect.NONE),
    "close": (Reply.CLOSE, Effect.NONE),
    "hang": (Reply.HANG, Effect.NONE),
    "truncate": (Reply.TRUNCATE, Effect.BEFORE),
    "overlong": (Reply.OVERLONG, Effect.BEFORE),
    "drip": (Reply.DRIP, Effect.BEFORE),
    "gzip_bomb": (Reply.GZIP_BOMB, Effect.NONE),
    "commit_then_drop": (Reply.RESET, Effect.BEFORE),
    "commit_then_hang": (Reply.HANG, Effect.BEFORE),
    "commit_then_status": (Reply.STATUS, Effect.BEFORE),
    "drop_then_commit": (Reply.RESET, Effect.LATER),
    "hang_then_commit": (Reply.HANG, Effect.LATER),
}

#: These replies carry the app's own body, so the app must have run.
_NEED_EFFECT = frozenset({Reply.DELAY, Reply.TRUNCATE, Reply.OVERLONG, Reply.DRIP})


class FaultScriptError(ValueError):
    """The script of a fault cannot be used; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One scripted fault; see the module's text for what the fields mean. Times are in seconds."""

    kind: str
    method: str = "*"
    path: str = "*"
    body_contains: str = ""
    nth: int = 1
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    for_s: float | None = None
    effect: Effect | None = None
    after_s: float = 1.0
    hold_s: float = 1.0
    status: int = 0
    #: A literal header value (`"7"`, `"-5"`, `"1e9"`, `"soon"`), `"http-date:30"` for a date in 30 s, or null for none.
    retry_after: str | None = None
    body: str | None = None
    interval_s: float = 0.5
    size_mb: int = 200

    @property
    def reply(self) -> Reply:
        """What the client gets."""
        return KINDS[self.kind][0]

    @property
    def happens(self) -> Effect:
        """Whether and when the app sees the request."""
        return self.effect or KINDS[self.kind][1]

    def matches(self, request: Request) -> bool:
        """Whether this fault is meant for `request`."""
        return (
            self.method in {"*", request.method}
            and (self.path == "*" or fnmatch.fnmatchcase(request.path, self.path))
            and self.body_contains.encode() in request.body
        )


def fault_from_json(script: Mapping[str, Any]) -> Fault:
    """The fault that a JSON object describes. Raises FaultScriptError with the offending field."""
    unknown = script.keys() - {field.name for field in dataclasses.fields(Fault)}
    if unknown:
        raise FaultScriptError(f"unknown field {min(unknown)!r}")
    if script.get("kind") not in KINDS:
        raise FaultScriptError(f"kind {script.get('kind')!r} is none of {', '.join(KINDS)}")
    values = dict(script)
    if values.get("effect") is not None:
        try:
            values["effect"] = Effect(values["effect"])
        except ValueError:
            raise FaultScriptError(f"effect {values['effect']!r} is none of {', '.join(Effect)}") from None
    fault = Fault(**values)
    if fault.reply in _NEED_EFFECT and fault.happens is not Effect.BEFORE:
        raise FaultScriptError(f"{fault.kind} answers with the app's own reply, so its effect is always 'before'")
    return fault


class _Script:
    """A fault with what it has seen so far."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number = number
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self._random = random.Random(fault.seed)  # noqa: S311 - repeatable, not secret
        self._until = None if fault.for_s is None else time.monotonic() + fault.for_s

    def fires(self, request: Request) -> bool:
        fault = self.fault
        if self._until is not None and time.monotonic() > self._until:
            return False
        if fault.count is not None and self.fired >= fault.count:
            return False
        if not fault.matches(request):
            return False
        self.seen += 1
        if self.seen < fault.nth or (fault.probability < 1 and self._random.random() >= fault.probability):
            return False
        self.fired += 1
        return True


class FaultPlan:
    """The faults of one sandbox. `settle_s` is its promise: no effect lands later than that after its request."""

    def __init__(self, *, settle_s: float = 5.0) -> None:
        self.settle_s = settle_s
        self._lock = threading.Lock()
        self._scripts: list[_Script] = []
        self._last_number = 0

    def add(self, **script: Any) -> int:
        """Add one fault and return its number. The first fault that fires for a request wins."""
        fault = fault_from_json(script)
        if fault.happens is Effect.LATER and fault.after_s > self.settle_s:
            raise FaultScriptError(f"after_s {fault.after_s} is beyond the declared settle_s {self.settle_s}")
        with self._lock:
            self._last_number += 1
            self._scripts.append(_Script(self._last_number, fault))
            return self._last_number

    def remove(self, number: int | None = None) -> None:
        """Remove one fault, or all of them."""
        with self._lock:
            self._scripts = [] if number is None else [script for script in self._scripts if script.number != number]

    def pick(self, request: Request) -> Fault | None:
        """The fault that `request` runs into, if any; counts it."""
        if not self._scripts:
            return None
        with self._lock:
            return next((script.fault for script in self._scripts if script.fires(request)), None)

    def report(self) -> list[dict[str, Any]]:
        """Every fault with its number, how many requests matched (`seen`) and how many it hit (`fired`)."""
        with self._lock:
            return [
                {
                    "number": script.number,
                    "seen": script.seen,
                    "fired": script.fired,
                    **dataclasses.asdict(script.fault),
                }
                for script in self._scripts
            ]


def made_up_reply(fault: Fault) -> Response:
    """The reply that the fault makes up itself, for the kinds that do not carry the app's own."""
    if fault.reply is Reply.HTML:
        page = (
            fault.body or "<!DOCTYPE html><html><head><title>One moment</title></head><body>Checking ...</body></html>"
        )
        return Response(fault.status or 200, page.encode(), (("Content-Type", "text/html; charset=UTF-8"),))
    if fault.reply is Reply.EMPTY:
        return Response(fault.status or 200, b"", (("Content-Type", "application/json"),))
    text = '{"code":"sandbox_fault","message":"scripted fault"}' if fault.body is None else fault.body
    return Response(
        fault.status or 503, text.encode(), (("Content-Type", "application/json"), *_retry_after(fault.retry_after))
    )


def _retry_after(value: str | None) -> Headers:
    if value is None:
        return ()
    if value.startswith("http-date:"):
        moment = dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=float(value.removeprefix("http-date:")))
        value = format_datetime(moment, usegmt=True)
    return (("Retry-After", value),)
