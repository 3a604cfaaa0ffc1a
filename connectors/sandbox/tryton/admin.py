"""The sandbox's own administrator session over JSON-RPC; for setting up only, Crossdock itself uses its connector."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

from connectors.sandbox.tryton.environment import SandboxError
from connectors.tryton import typed

_TIMEOUT_S: Final = 120
#: Records made in one call; with much more than 100 products SQLite's parser runs out of stack.
_BATCH: Final = 50
#: Never through a proxy: the server is on the loopback interface.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class UnreachableError(Exception):
    """No server answers at the address."""


def server_version(url: str) -> str:
    """The server's version. Raises UnreachableError."""
    return str(_call(f"{url}/rpc/", "common.server.version", [], {}))


class Admin:
    """A logged-in administrator of one database."""

    def __init__(self, url: str, database: str, password: str, login: str = "admin") -> None:
        """Log in. Raises SandboxError when the server refuses."""
        self._url = f"{url}/{database}/rpc/"
        user, token, _ = self._send("common.db.login", [login, {"password": password}, "en"])
        credentials = base64.b64encode(f"{login}:{user}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Session {credentials}"}
        self.context: dict[str, Any] = {}
        self.refresh()

    _headers: dict[str, str] = {}  # noqa: RUF012 -- none until the login has answered

    def refresh(self) -> None:
        """Take the user's context anew; without a company in it the server refuses almost everything."""
        self.context = self.call("model.res.user.get_preferences", True)  # noqa: FBT003 -- the server's signature

    def call(self, method: str, *params: Any, **context: Any) -> Any:
        """Call `model.<name>.<method>` or `wizard.<name>.<method>`; `context` adds to the user's."""
        return self._send(method, [*params, {**self.context, **context}])

    def create(self, model: str, *values: dict[str, Any]) -> list[int]:
        """Create records; their ids in order."""
        ids: list[int] = []
        for start in range(0, len(values), _BATCH):
            ids.extend(self.call(f"model.{model}.create", list(values[start : start + _BATCH])))
        return ids

    def search(self, model: str, domain: Sequence[Any], limit: int | None = None) -> list[int]:
        """Ids of the records that match."""
        ids: list[int] = self.call(f"model.{model}.search", list(domain), 0, limit, None)
        return ids

    def read(self, model: str, domain: Sequence[Any], names: Sequence[str], **context: Any) -> list[dict[str, Any]]:
        """The named fields (and `id`) of the records that match."""
        rows: list[dict[str, Any]] = self.call(
            f"model.{model}.search_read", list(domain), 0, None, None, list(names), **context
        )
        return rows

    def one(self, model: str, domain: Sequence[Any]) -> int:
        """The id of the first record that matches. Raises SandboxError when there is none."""
        ids = self.search(model, domain, 1)
        if not ids:
            raise SandboxError(f"the new database has no {model} with {domain}")
        return ids[0]

    def xml_id(self, module: str, name: str) -> int:
        """The id of a record that a module's data files made."""
        number: int = self.call("model.ir.model.data.get_id", module, name)
        return number

    def wizard(self, name: str, *steps: tuple[str, dict[str, Any]], **context: Any) -> None:
        """Run a wizard: each step is the state to go to and the forms filled so far; `context` names the records."""
        session, _, _ = self.call(f"wizard.{name}.create")
        for state, forms in steps:
            self.call(f"wizard.{name}.execute", session, forms, state, **context)
        self.call(f"wizard.{name}.delete", session)

    def _send(self, method: str, params: list[Any]) -> Any:
        return _call(self._url, method, params, self._headers)


def _call(url: str, method: str, params: list[Any], headers: dict[str, str]) -> Any:
    body = json.dumps({"id": 1, "method": method, "params": typed.encode(params)}).encode()
    request = urllib.request.Request(url, body, {**headers, "Content-Type": "application/json"})  # noqa: S310 -- http, made above
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            raw = response.read()
            if response.headers.get("Content-Encoding") == "gzip":
                raw = _gunzip(raw)
    except urllib.error.HTTPError as error:
        raise SandboxError(f"Tryton answered {error.code} to {method}") from None
    except OSError as error:
        raise UnreachableError(str(error)) from None
    answer = json.loads(raw)
    if "error" in answer:
        raise SandboxError(f"Tryton refused {method}: {answer['error']}")
    return typed.decode(answer["result"])


def _gunzip(raw: bytes) -> bytes:
    """The body, which the server calls compressed even where it did not compress it."""
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
