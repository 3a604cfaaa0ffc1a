"""Bulk operations: a query is run, some looks later its rows lie in a file, children behind their parents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.shopify.selection import Document, Field, GraphQLError, Spread, parse, project
from connectors.sandbox.shopify.shop import Json, Shop

#: Of an app, at once.
_MOST: Final = 5
_ADDRESS: Final = re.compile(r"/bulk/([0-9]+)\.jsonl")
_RANGE: Final = re.compile(r"bytes=([0-9]+)-([0-9]+)")
#: What the rows of a field are, and what of a record was asked for.
Rows = Callable[[Field], list[Json]]
Inside = Callable[[Json, Field], Any]


class BulkOperations:
    """Those of one shop; whoever calls holds its lock."""

    def __init__(self, shop: Shop, rows: Rows, inside: Inside) -> None:
        """`rows` answers the records of a root field, `inside` what a record's field holds."""
        self._shop, self._rows, self._inside = shop, rows, inside
        self._files: dict[int, bytes] = {}
        self._operations: dict[str, Json] = {}
        self._looks: dict[str, int] = {}
        #: Where the shop is reached, once it is.
        self.url = ""
        #: How the next ones end: `COMPLETED`, or `FAILED` with half of the rows.
        self.ends = "COMPLETED"

    def run(self, field: Field) -> Json:
        """`bulkOperationRunQuery`."""
        going = [each for each in self._operations.values() if each["status"] in {"CREATED", "RUNNING"}]
        if len(going) >= _MOST:
            return _refused("You've reached the limit of concurrent bulk operations.", "OPERATION_IN_PROGRESS")
        try:
            document = parse(field.arguments["query"], {})
            [root] = document.fields
            lines = self._lines(root, document)
        except GraphQLError as error:
            return _refused(f"Invalid bulk query: {error}", "INVALID")
        number = 7001 + len(self._operations)
        half = self.ends != "COMPLETED"
        kept = lines[: len(lines) // 2] if half else lines
        self._files[number] = b"".join(json.dumps(line).encode() + b"\n" for line in kept)
        address = f"{self.url}/bulk/{number}.jsonl?Signature=shpbulk{number}" if kept else None
        gid = f"gid://shopify/BulkOperation/{number}"
        self._operations[gid] = {
            "id": gid,
            "status": "CREATED",
            "errorCode": None,
            "createdAt": self._shop.stamp(),
            "objectCount": str(len(kept)),
            "fileSize": None,
            "url": None,
            "partialDataUrl": None,
            "_address": address,
            "_ends": self.ends,
        }
        self._looks[gid] = self._shop.settings.bulk_looks
        return {"bulkOperation": self._operations[gid], "userErrors": []}

    def look(self, field: Field) -> Json | None:
        """`bulkOperation`."""
        found = self._operations.get(field.arguments["id"])
        if found is None or found["status"] in {"COMPLETED", "FAILED"}:
            return found
        self._looks[found["id"]] -= 1
        found["status"] = "RUNNING"
        if self._looks[found["id"]] < 0:
            number = int(found["id"].rpartition("/")[2])
            found |= {"status": found["_ends"], "fileSize": str(len(self._files[number]))}
            found["url" if found["_ends"] == "COMPLETED" else "partialDataUrl"] = found["_address"]
        return found

    def _lines(self, root: Field, document: Document) -> list[Json]:
        selection = _edges(root)
        if selection is None:
            raise GraphQLError("All connection fields in a bulk query must select their contents using 'edges'.")
        return [line for record in self._rows(root) for line in self._of(record, selection, document)]

    def _of(self, record: Json, selection: tuple[Any, ...], document: Document) -> list[Json]:
        below: list[Json] = []

        def inside(parent: Json, field: Field) -> Any:
            inner = _edges(field)
            if inner is None:
                if any(getattr(each, "name", "") == "nodes" for each in field.selection):
                    raise GraphQLError("Selecting via 'nodes' is not supported.")
                return self._inside(parent, field)
            for child in self._inside(parent, field):
                row = project(child, inner, document, inside)
                below.append(row | {"__parentId": parent["id"]})
            return None

        row = project(record, selection, document, inside)
        for field in selection:
            if not isinstance(field, Spread) and _edges(field) is not None:
                row.pop(field.alias)
        return [row, *below]

    def file(self, request: Request) -> Response | None:
        """One of the files, or a piece of it; None for any other address."""
        found = _ADDRESS.fullmatch(request.path)
        if found is None or request.method != "GET":
            return None
        body = self._files.get(int(found[1]))
        if body is None or ("Signature", f"shpbulk{found[1]}") not in request.query:
            return json_response({"error": "AccessDenied"}, 403)
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None:
            return Response(200, body)
        first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
        piece = body[first : last + 1]
        return Response(206, piece, headers=(("Content-Range", f"bytes {first}-{last}/{len(body)}"),))


def _edges(field: Field) -> tuple[Any, ...] | None:
    """What is asked for of each node; None for what is no list written so."""
    for each in field.selection:
        if isinstance(each, Field) and each.name == "edges":
            return next((inner.selection for inner in each.selection if inner.name == "node"), ())
    return None


def _refused(message: str, code: str) -> Json:
    return {"bulkOperation": None, "userErrors": [{"field": ["query"], "message": message, "code": code}]}
