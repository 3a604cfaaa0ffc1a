"""A long past in one file: a bulk operation, which costs the bucket next to nothing however many orders there are.

It takes minutes, so a pull does not wait for it: the operation's id stands in the checkpoint, each pull looks how far
it is, and reads the file in pieces when it is there, with the place that it has come to in the checkpoint too. Rows of
an order follow it (`groupObjects`). A refund's lines cannot be had in this way: orders with refunds are read by their
ids. What came to its end only in part is taken, and the rest is read page by page, as everything is where no operation
can be had (five at once for an app).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.kit import strict_json
from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.moments import moment_of
from connectors.kit.words import say
from connectors.shopify import queries
from connectors.shopify.client import Client

#: Fewer orders are read page by page in less time.
LEAST: Final = 2000
#: Of the file, read at once.
_PIECE: Final = 4_000_000
_PARTIAL_CONTENT: Final = 206
_OPERATION: Final = "gid://shopify/BulkOperation/"
_RUNNING: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})
_SIZE: Final = re.compile(r"/([0-9]{1,15})$")
_MARK: Final = re.compile(r"([0-9T:-]{19}) bulk ([0-9]{1,30}) ([0-9]{1,15})")
#: Type of a row below an order -> its list there.
_LISTS: Final = {"LineItem": "lineItems", "ShippingLine": "shippingLines", "Metafield": "metafields"}


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """The checkpoint of a pull that has begun an operation."""

    #: From where on, as a checkpoint has it; and where to go on page by page should there be no file.
    since: str
    number: str
    #: Bytes of the file that are read.
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.since} bulk {self.number} {self.offset}"


def mark_of(checkpoint: str) -> Mark | None:
    """The operation that a checkpoint names; None for one that names a time alone."""
    found = _MARK.fullmatch(checkpoint)
    return None if found is None else Mark(found[1], found[2], int(found[3]))


def reached_at(checkpoint: str) -> dt.datetime:
    """Until when everything is read. Raises ConnectionBroken for a text that is no checkpoint of ours."""
    mark = mark_of(checkpoint)
    return moment_of(checkpoint if mark is None else mark.since)


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How an operation stands."""

    #: It goes on.
    running: bool
    #: Where its rows lie; empty where it has none.
    url: str
    #: All rows are there.
    whole: bool
    #: Everything until then is in it, as the shop wrote it.
    begun_at: str


class History:
    """The bulk operations of one shop. Thread-safe."""

    def __init__(self, client: Client, least: int, download: Callable[[str], HttpClient]) -> None:
        """`download` speaks to the place of a file, without our credentials; fewer than `least` are not worth it."""
        self._client, self._least, self._download = client, least, download

    def begin(self, since: str) -> Mark | None:
        """An operation for everything from `since` on; None where it is not worth it, or none can be had."""
        counted = self._client.read(queries.COUNT, query=f"updated_at:>='{since}Z'").get("ordersCount") or {}
        if int(counted.get("count") or 0) < self._least:
            return None
        # Nothing of the shop changes by it, and a second one does no harm.
        answer = self._client.read(queries.RUN, query=queries.history(since)).get("bulkOperationRunQuery") or {}
        made = answer.get("bulkOperation") or {}
        number = str(made.get("id") or "").removeprefix(_OPERATION)
        return Mark(since, number) if number.isdecimal() and not answer.get("userErrors") else None

    def look(self, mark: Mark) -> Ended:
        """How it stands; without rows where it is gone, or failed before it had any."""
        found = self._client.read(queries.OPERATION, id=f"{_OPERATION}{mark.number}").get("bulkOperation") or {}
        status = str(found.get("status") or "")
        whole = status == "COMPLETED"
        return Ended(
            running=status in _RUNNING,
            url=str(found.get("url" if whole else "partialDataUrl") or ""),
            whole=whole,
            begun_at=str(found.get("createdAt") or ""),
        )

    def read(self, ended: Ended, offset: int) -> Iterator[tuple[JsonDict, int]]:
        """Each order with its lists, and the byte after it.

        Raises Transient for a file that cannot be had, RecordRejected for one that is not what was asked for.
        """
        order: JsonDict = {}
        end = offset
        for row, begin, after in self._rows(ended, offset):
            parent = row.pop("__parentId", None)
            if parent is None:
                if order:
                    yield order, begin
                order = row | {name: {"nodes": [], "pageInfo": {"hasNextPage": False}} for name in _LISTS.values()}
                del order["metafields"]["pageInfo"]
            elif order and parent == order["id"]:
                order[_list_of(row)]["nodes"].append(row)
            else:
                raise RecordRejected(say("the shop's file has a row that belongs to no order"), code="bulk")
            end = after
        if order:
            yield order, end

    def _rows(self, ended: Ended, offset: int) -> Iterator[tuple[JsonDict, int, int]]:
        """Each row with its first byte and the one after its last."""
        parts = urlsplit(ended.url)
        http = self._download(f"{parts.scheme}://{parts.netloc}")
        path, at, rest, size = f"{parts.path.lstrip('/')}?{parts.query}".rstrip("?"), offset, b"", offset + 1
        try:
            while at + len(rest) < size:
                piece, size = _piece(http, path, at + len(rest))
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield _row(line), at, at + len(line) + 1
                    at += len(line) + 1
            if rest.strip():
                yield _row(rest), at, at + len(rest)
        finally:
            http.close()


def _piece(http: HttpClient, path: str, begin: int) -> tuple[bytes, int]:
    """Some bytes from `begin` on, and how many the file has in all."""
    headers = {"Range": f"bytes={begin}-{begin + _PIECE - 1}", "Accept-Encoding": "identity", "Accept": "*/*"}
    answer = http.request("GET", path, headers=headers, parse=False, classifier=_unreadable)
    size = _SIZE.search(answer.headers.get("Content-Range", ""))
    if answer.status != _PARTIAL_CONTENT or size is None:
        # Who knows no ranges answers with all of it.
        return answer.body[begin:], len(answer.body)
    if not answer.body:
        raise Transient(say("the shop's file is shorter than it says"), code="bulk")
    return answer.body, int(size[1])


def _unreadable(response: Response) -> ConnectorError | None:
    """A file whose address has ended is asked for anew."""
    return Transient(say("the shop's file cannot be read: %(answer)s", answer=response), code="bulk")


def _row(line: bytes) -> JsonDict:
    try:
        row: Any = strict_json.loads(line)
    except strict_json.InvalidJson as error:
        text = say("the shop's file has a row that is no JSON: %(error)s", error=error)
        raise RecordRejected(text, code="bulk") from None
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        raise RecordRejected(say("the shop's file has a row without an id"), code="bulk")
    return row


def _list_of(row: JsonDict) -> str:
    kind = row["id"].split("/")[-2]
    if kind not in _LISTS:
        raise RecordRejected(say("the shop's file has a row of the type %(kind)s", kind=repr(kind)), code="bulk")
    if kind == "Metafield":
        row.pop("id")
    return _LISTS[kind]
