"""The calls of the sandbox ERP, and what their refusals mean."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import InvalidOperation
from typing import Any, Final, TypeVar

from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RecordRejected,
    Transient,
)
from connectors.kit.http import HttpClient
from connectors.kit.words import say

#: The ERP's code of a refusal -> what it means for us; all other refusals are RecordRejected.
_REFUSALS: Final[Mapping[str, type[ConnectorError]]] = {
    "duplicate_key": AlreadyExists,
    "duplicate_code": AlreadyExists,
    # The request came after the settle bound and was thrown away: it is as if it had never been sent.
    "too_late": Transient,
    # The address answers, but it is not this API.
    "no_route": ConnectionBroken,
}

#: Status of a refusal that the ERP itself decided, with nothing kept.
_REFUSED: Final = frozenset({400, 404, 409, 413, 422})

#: Keys, ids or codes in one query; keeps the address far below what proxies cut off.
QUERY_BATCH: Final = 50

#: What reading a foreign record raises when it has not the documented shape.
_MALFORMED: Final = (KeyError, TypeError, ValueError, InvalidOperation, AttributeError)

Thing = TypeVar("Thing")


class Client:
    """Calls of one connection; each says by its error whether a write can have landed."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """Read. Raises Transient, ConnectionBroken."""
        return self.http.get(path, params).data

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Write one thing."""
        return self.http.request(method, path, json=body, headers=_sent_now()).data

    def send_all(self, path: str, body: object, count: int) -> list[JsonDict]:
        """The results of one bulk write, `count` of them and each of the documented shape; else OutcomeUnknown."""
        data = self.send("POST", path, body)
        results = data.get("results") if isinstance(data, dict) else None
        if isinstance(results, list) and len(results) == count and all(map(_is_result, results)):
            return results
        raise OutcomeUnknown(
            say("POST /%(path)s was answered 200 with something else than %(count)s results", path=path, count=count),
            code="shape",
        )


@contextlib.contextmanager
def reading(*, write: bool = False) -> Iterator[None]:
    """What is read inside may have another shape than the documented one: then it is no answer."""
    try:
        yield
    except _MALFORMED as error:
        text = say(
            "the ERP's answer has not the documented shape (%(kind)s: %(error)s)",
            kind=type(error).__name__,
            error=error,
        )
        raise (OutcomeUnknown if write else Transient)(text, code="shape") from None


def classify(response: Response) -> ConnectorError | None:
    """What the ERP's own error codes say; None leaves the answer to the kit's table."""
    told = response.data if isinstance(response.data, dict) else {}
    if told.get("code") in _REFUSALS or ("field" in told and response.status in _REFUSED):
        return rejection(told, status=response.status)
    return None


def rejection(error: Mapping[str, Any], *, status: int | None = None) -> ConnectorError:
    """The error of a refusal."""
    code, message, field = (str(error.get(name) or "") for name in ("code", "message", "field"))
    kind = _REFUSALS.get(code, RecordRejected)
    if issubclass(kind, RecordRejected):
        return kind(message, field=field, code=code, status=status)
    return kind(message, code=code, status=status)


def batches(items: Iterable[Thing], size: int = QUERY_BATCH) -> Iterator[list[Thing]]:
    """The items in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def number(external_id: str) -> int:
    """The ERP's own id. Raises RecordRejected for a text that is none."""
    if not (external_id.isascii() and external_id.isdecimal()):
        raise RecordRejected(
            say("%(id)s is no id of this ERP: it must be a whole number", id=repr(external_id)), field="id"
        )
    return int(external_id)


def _is_result(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("ok") is True or (value.get("ok") is False and isinstance(value.get("error"), dict))


def _sent_now() -> dict[str, str]:
    """With it the sandbox can keep its settle bound even when a request waited in a socket while it stood still."""
    return {"Sent-At": f"{time.time():.6f}"}
