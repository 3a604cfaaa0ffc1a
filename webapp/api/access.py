"""Who calls the JSON API: a bearer token with scopes, and nothing else. Sessions of the console do not count here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, ParamSpec

import structlog
from flask import Flask, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from sync.desk.tokens import SCOPES, Caller, authenticate, keep_used
from sync.store.audit import Actor
from webapp.api.answers import once
from webapp.api.problems import ApiProblem
from webapp.console.access import address
from webapp.console.throttle import SignInThrottle
from webapp.parts import parts

log = structlog.get_logger(__name__)

#: For what anybody may read: it says nothing about this installation.
ANYONE: Final = "anyone"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_P = ParamSpec("_P")
_View = Callable[_P, ResponseReturnValue]


def require(scope: str) -> Callable[[_View[_P]], Callable[_P, Response]]:
    """Let only tokens with this scope in; stands directly below the route, above what reads the arguments.

    An unsafe call with an Idempotency-Key is done once (`webapp.api.answers`).
    """
    if scope != ANYONE and scope not in SCOPES:
        raise ValueError(f"no scope: {scope}")

    def decorate(view: _View[_P]) -> Callable[_P, Response]:
        @functools.wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Response:
            if scope == ANYONE:
                return make_response(view(*args, **kwargs))
            caller = g.api_caller = _admit(scope)
            if request.method in _SAFE:
                return make_response(view(*args, **kwargs))
            if request.content_length and not request.is_json:
                raise UnsupportedMediaType
            return once(caller, lambda: make_response(view(*args, **kwargs)))

        guarded.needs_scope = scope  # type: ignore[attr-defined]  # read by `demand_scopes`
        guarded._apidoc = _documented(view, scope)  # type: ignore[attr-defined]  # noqa: SLF001 - flask-smorest's place
        return guarded

    return decorate


def _documented(view: Callable[..., Any], scope: str) -> dict[str, Any]:
    doc: dict[str, Any] = deepcopy(getattr(view, "_apidoc", {}))
    doc.setdefault("manual_doc", {})["security"] = [] if scope == ANYONE else [{"token": [scope]}]
    return doc


def _admit(scope: str) -> Caller:
    """Raises ApiProblem for who may not, DatabaseBusy."""
    caller = _caller()
    if not caller.may(scope):
        raise ApiProblem(
            403,
            "scope_missing",
            f"The token {caller.token.name} does not have the scope {scope}.",
            "Have an admin make a token with it.",
            expected=scope,
            found=caller.token.scopes,
        )
    if caller.stale:
        keep_used(parts().store, caller)
    return caller


def _caller() -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    challenge = {"WWW-Authenticate": 'Bearer realm="crossdock"'}
    if scheme.lower() != "bearer" or not token:
        raise ApiProblem(
            401,
            "token_missing",
            "There is no token in the request.",
            "Send the header Authorization: Bearer cdk_...; an admin makes tokens (crossdock token add).",
            headers=challenge,
        )
    caller = authenticate(parts().store, token.strip())
    if caller is not None:
        return caller
    throttle: SignInThrottle = current_app.extensions["crossdock-sign-ins"]
    log.warning("token_refused", address=address())
    if wait_s := throttle.token_wait_s(address()):
        raise ApiProblem(
            429,
            "too_many_wrong_tokens",
            "Too many wrong tokens came from this address.",
            "Wait as long as Retry-After says; a good token is taken at once.",
            headers={"Retry-After": str(wait_s)},
        )
    challenge["WWW-Authenticate"] += ', error="invalid_token"'
    raise ApiProblem(
        401,
        "token_invalid",
        "The token is not known here, is revoked, or has expired.",
        "Have an admin look at the list of tokens (crossdock token list) and make a new one.",
        headers=challenge,
    )


def caller() -> Caller:
    """Who makes this request. Only for views that require a scope."""
    who: Caller = g.api_caller
    return who


def api_actor() -> Actor:
    """Who makes this request, for the audit: the token by its name."""
    return caller().actor(address())


def demand_channel(channel: str) -> None:
    """Raises ApiProblem for a channel that the token does not reach; what is not there for it does not exist."""
    if not caller().sees(channel):
        raise ApiProblem(
            403,
            "channel_out_of_reach",
            "The token is limited to other channels.",
            "Use a token for this channel.",
            found=channel,
            expected=" ".join(sorted(caller().channels)),
        )


def demand_all_channels() -> None:
    """Raises ApiProblem where a token that is limited to channels asks for what concerns all of them."""
    if caller().is_limited:
        raise ApiProblem(
            403,
            "channel_out_of_reach",
            "This concerns every channel, and the token is limited to some.",
            "Use a token without channels.",
            found=" ".join(sorted(caller().channels)),
        )


def scope_of(view: Callable[..., Any]) -> str | None:
    """Which scope `require` demands for a view; None for a view without it."""
    return getattr(view, "needs_scope", None)


def demand_scopes(app: Flask, prefix: str) -> None:
    """Refuse an application in which an address below `prefix` does not say which scope it requires."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(prefix) and scope_of(app.view_functions[rule.endpoint]) is None:
            raise RuntimeError(f"the view {rule.endpoint} does not say with @require which scope it takes")
