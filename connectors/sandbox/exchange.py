"""What a sandbox sees of HTTP: a request, a response, and a router; no sockets.

An app is any callable from `Request` to `Response`. It is called from many threads at once and guards its own state.
"""

from __future__ import annotations

import dataclasses
import http
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

Headers = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request as it came. `target` is the raw request target; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query in its order; a name may come twice."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return orjson.loads(self.body)


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One reply. `Content-Length` and `Connection` are the server's; all other headers are the app's."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    @property
    def reason(self) -> str:
        """The standard phrase of the status, empty for an unknown one."""
        try:
            return http.HTTPStatus(self.status).phrase
        except ValueError:
            return ""


App = Callable[[Request], Response]
Handler = Callable[..., Response]


def json_response(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """`value` as a JSON reply."""
    return Response(
        status, orjson.dumps(value, default=str), (("Content-Type", "application/json; charset=UTF-8"), *headers)
    )


_H = TypeVar("_H")


class Router(Generic[_H]):
    """Finds a handler by method and path. `{name}` in a pattern matches one path segment and is given by name.

    Exact paths are found in a dict, so that the hot paths of a benchmark cost no regular expression.
    """

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, _H]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, _H]]] = []

    def add(self, method: str, pattern: str, handler: _H) -> None:
        """`method` on `pattern` finds `handler`."""
        if "{" not in pattern:
            self._exact.setdefault(pattern, {})[method] = handler
            return
        regex = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
        for known, methods in self._patterns:
            if known.pattern == regex.pattern:
                methods[method] = handler
                return
        self._patterns.append((regex, {method: handler}))

    def find(self, method: str, path: str) -> tuple[_H, dict[str, str]] | None:
        """The handler and the path's segments; None when the path or the method is unknown."""
        methods = self._exact.get(path)
        segments: dict[str, str] = {}
        if methods is None:
            for regex, candidate in self._patterns:
                if match := regex.fullmatch(path):
                    methods, segments = candidate, match.groupdict()
                    break
        handler = (methods or {}).get(method)
        return (handler, segments) if handler else None
