"""Sales: created, advanced, read back and listed, always by our key within the web shop."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import DocumentSummary, JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.goods import batches
from connectors.tryton.masters import Masters
from connectors.tryton.stamps import version

MODEL: Final = "sale.sale"
FIELDS: Final = (
    *("web_id", "number", "reference", "state", "untaxed_amount", "tax_amount", "total_amount", "currency.code"),
    *("party", "sale_date", "origin", "create_date", "write_date"),
)
RANKS: Final = {
    "cancelled": Rank.CANCELLED,
    "draft": Rank.DRAFT,
    "quotation": Rank.QUOTED,
    "confirmed": Rank.CONFIRMED,
    "processing": Rank.CONFIRMED,
    "done": Rank.CONFIRMED,
}
#: The buttons in their order: the rank that they need, their name, the rank that they give.
_BUTTONS: Final = ((Rank.DRAFT, "quote", Rank.QUOTED), (Rank.QUOTED, "confirm", Rank.CONFIRMED))
#: Return sales name the sale that they refund.
_RETURNS: Final = "sale.sale,"
_NO_RETURN: Final = ["OR", ["origin", "=", None], ["origin", "not like", f"{_RETURNS}%"]]
_PAGE: Final = 200
_SEARCHED: Final = 20
#: What PostgreSQL takes as an id.
_MAX_ID: Final = 2**31 - 1
_NOT_FOUND: Final = 404


@dataclasses.dataclass(frozen=True, slots=True)
class _Button:
    """A button, the rank that it gives, and whether that is the rank wanted in the end."""

    name: str
    gives: Rank
    last: bool


class Sales:
    """The sales of one web shop."""

    def __init__(self, client: TrytonClient, masters: Masters, bulk: int) -> None:
        self._client = client
        self._masters = masters
        self._bulk = bulk

    def find(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Documents by key, lowest id first; return sales too, which share the one field of all keys."""
        found: dict[str, list[TargetDocument]] = {}
        shop = self._masters.web_shop()["id"]
        for batch in batches(keys):
            domain = [["web_shop", "=", shop], ["web_id", "in", batch]]
            for row in self._client.search(MODEL, domain, FIELDS, order=[["id", "ASC"]]):
                found.setdefault(row["web_id"], []).append(as_document(row))
        return found

    def create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create each as a draft; in one call where there are several."""
        results: list[Result] = []
        until = Until(self._client.deadline_s)
        for start in range(0, len(payloads), self._bulk):
            results.extend(self._create_batch(payloads[start : start + self._bulk], until))
        return results

    def _create_batch(self, payloads: Sequence[JsonDict], until: Until) -> list[Result]:
        if len(payloads) == 1:
            return self._create_singly(payloads, until)
        try:
            ids = self._client.create_many(MODEL, payloads, deadline_s=until.left_s())
        except RecordRejected as refusal:
            # The text does not reliably name the one that was refused, so the keys are looked up and the rest is
            # sent one by one. Anything but a refusal leaves all of them open.
            if not refusal.rolled_back:
                return _all(payloads, OutcomeUnknown(str(refusal), code=refusal.code, status=refusal.status))
            return self._create_singly(payloads, until)
        except ConnectorError as error:
            return _all(payloads, error)
        try:
            documents = self._read(ids)
        except ConnectorError as error:
            return _all(
                payloads, OutcomeUnknown(say("created, but not read back: %(error)s", error=error), status=error.status)
            )
        return [_read_back(documents.get(number), payload) for number, payload in zip(ids, payloads, strict=True)]

    def _create_singly(self, payloads: Sequence[JsonDict], until: Until) -> list[Result]:
        """One call each; after a call whose outcome is open, or that could not be sent, the rest is not sent."""
        results: list[Result] = []
        try:
            taken = self._taken([payload["web_id"] for payload in payloads]) if len(payloads) > 1 else frozenset()
        except ConnectorError as error:
            # Nothing is written yet: the batch before was rolled back.
            return _all(payloads, error)
        stopped: ConnectorError | None = None
        for payload in payloads:
            if payload["web_id"] in taken:
                results.append(Result(error=_exists(payload)))
                continue
            result = Result(error=stopped) if stopped else self._create_one(payload, until)
            results.append(result)
            if stopped is None and result.error is not None and not isinstance(result.error, RecordRejected):
                unsent = Transient(say("not sent: the call before it had no usable answer"))
                stopped = unsent if isinstance(result.error, OutcomeUnknown) else result.error
        return results

    def _create_one(self, payload: JsonDict, until: Until) -> Result:
        try:
            row = self._client.create(MODEL, payload, FIELDS, deadline_s=until.left_s())
            return Result(document=as_document(row))
        except RecordRejected as refusal:
            # "Already exists" is decided by looking, for the text of a refusal is translated.
            try:
                taken = self._taken([payload["web_id"]])
            except ConnectorError as error:
                return Result(
                    error=OutcomeUnknown(
                        say("refused (%(refusal)s), and not looked up: %(error)s", refusal=refusal, error=error)
                    )
                )
            return Result(error=_exists(payload) if taken else refusal)
        except ConnectorError as error:
            return Result(error=error)

    def advance(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Press the buttons that are still missing, for all together where a login allows it."""
        current = {document.external_id: Result(document=document) for document in documents}
        until = Until(self._client.deadline_s)
        for needed, button, given in _BUTTONS:
            if given > rank:
                break
            ready = [
                result.document
                for result in current.values()
                if result.document is not None and result.document.rank == needed
            ]
            for start in range(0, len(ready), self._bulk):
                batch = ready[start : start + self._bulk]
                current |= self._press(batch, _Button(button, given, last=given == rank), until)
        return [_reached(current[document.external_id], rank) for document in documents]

    def _press(self, documents: Sequence[TargetDocument], button: _Button, until: Until) -> dict[str, Result]:
        """One button for several documents. Between two buttons the state is not read: the next one asks for it."""
        if len(documents) == 1 or not self._client.has_login:
            return self._press_singly({each.external_id: Result(document=each) for each in documents}, button, until)
        ids = [int(document.external_id) for document in documents]
        try:
            context = self._masters.context()
            self._client.press_many(MODEL, ids, button.name, context, deadline_s=until.left_s())
        except RecordRejected:
            # One refused document holds up all of them; who it is shows when each is tried alone.
            return self._press_singly(self._state_of(documents), button, until)
        except ConnectorError as error:
            return {document.external_id: Result(error=error) for document in documents}
        return self._state_of(documents) if button.last else _assumed(documents, button.gives)

    def _press_singly(self, current: dict[str, Result], button: _Button, until: Until) -> dict[str, Result]:
        results: dict[str, Result] = {}
        stopped: ConnectorError | None = None
        for number, result in current.items():
            document = result.document
            if document is None or document.rank >= button.gives or document.rank == Rank.CANCELLED:
                results[number] = result
                continue
            results[number] = Result(error=stopped) if stopped else self._press_one(document, button, until)
            error = results[number].error
            if stopped is None and error is not None and not isinstance(error, RecordRejected):
                stopped = Transient(say("not sent: the call before it had no usable answer"))
        return results

    def _press_one(self, document: TargetDocument, button: _Button, until: Until) -> Result:
        try:
            number = int(document.external_id)
            row = self._client.press(MODEL, number, button.name, FIELDS, deadline_s=until.left_s())
            return Result(document=as_document(row))
        except RecordRejected as refusal:
            # The refusal of a repeat looks like any other; what the state says decides. A confirm can also fail
            # after its commit, in the processing that the server does within the same request.
            now = self._state_of([document])[document.external_id]
            if now.document is None or now.document.rank >= button.gives:
                return now
            told = say(
                "%(name)s was refused: %(refusal)s; the sale is in state %(state)s",
                name=button.name,
                refusal=refusal,
                state=repr(now.document.state),
            )
            return Result(error=RecordRejected(told, code=button.name, status=refusal.status))
        except ConnectorError as error:
            return Result(error=error)

    def _state_of(self, documents: Sequence[TargetDocument]) -> dict[str, Result]:
        """What stands there now. A document that cannot be read is open: a button may have been pressed before."""
        try:
            found = self._read([int(document.external_id) for document in documents])
        except ConnectorError as error:
            unknown = OutcomeUnknown(
                say("the state could not be read back: %(error)s", error=error), status=error.status
            )
            return {document.external_id: Result(error=unknown) for document in documents}
        results: dict[str, Result] = {}
        for document in documents:
            now = found.get(int(document.external_id))
            gone = RecordRejected(say("the sale is no longer in the ERP"), code="gone")
            results[document.external_id] = Result(document=now) if now else Result(error=gone)
        return results

    def delete(self, document: TargetDocument) -> None:
        """Delete a draft; one that is gone already is fine."""
        try:
            self._client.delete(MODEL, int(document.external_id))
        except RecordRejected as refusal:
            if refusal.status != _NOT_FOUND:
                raise

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """By sale date, in pages that stay whole while sales are added. A refund is no sale that a shop has made."""
        shop = self._masters.web_shop()["id"]
        last = 0
        while True:
            domain = [["web_shop", "=", shop], ["id", ">", last], _NO_RETURN, placed_in(since, until)]
            rows = self._client.search(MODEL, domain, FIELDS, order=[["id", "ASC"]], limit=_PAGE)
            for row in rows:
                yield _summary(row)
            if len(rows) < _PAGE:
                return
            last = rows[-1]["id"]

    def search(self, text: str) -> list[DocumentSummary]:
        """Sales that people call `text`, newest first."""
        names: list[list[Any]] = [[name, "=", text] for name in ("number", "reference", "web_id")]
        if text.isascii() and text.isdecimal() and int(text) <= _MAX_ID:
            names.append(["id", "=", int(text)])
        domain = [["web_shop", "=", self._masters.web_shop()["id"]], _NO_RETURN, ["OR", *names]]
        rows = self._client.search(MODEL, domain, FIELDS, order=[["id", "DESC"]], limit=_SEARCHED)
        return [_summary(row) for row in rows]

    def test_payload(self, key: str) -> JsonDict:
        """A draft of the company to itself, without lines: nothing can come of it."""
        company, shop = self._masters.company(), self._masters.web_shop()
        domain: list[Any] = [["id", "=", company["id"]]]
        [row] = self._client.search("company.company", domain, ("party", "currency"))
        return {
            "company": company["id"],
            "web_shop": shop["id"],
            "web_id": key,
            "reference": "Crossdock: a test, removed at once",
            "party": row["party"],
            "currency": row["currency"],
        }

    def _read(self, ids: Sequence[int]) -> dict[int, TargetDocument]:
        rows = self._client.search(MODEL, [["id", "in", list(ids)]], FIELDS)
        return {row["id"]: as_document(row) for row in rows}

    def _taken(self, keys: Sequence[str]) -> frozenset[str]:
        return frozenset(self.find(keys))


def placed_in(since: dt.datetime, until: dt.datetime) -> list[Any]:
    """The part of a domain that takes sales by their date."""
    return ["OR", _dated(since, until), _undated(since, until)]


def _dated(since: dt.datetime, until: dt.datetime) -> list[Any]:
    """A sale date is a day of the shop's calendar: `since` and `until` say it in their own zone."""
    last = (until - dt.timedelta(microseconds=1)).date()
    return [["sale_date", ">=", since.date()], ["sale_date", "<=", last]]


def _undated(since: dt.datetime, until: dt.datetime) -> list[Any]:
    """A draft that a person began has no sale date until it is quoted."""
    return [["sale_date", "=", None], ["create_date", ">=", since], ["create_date", "<", until]]


def _summary(row: JsonDict) -> DocumentSummary:
    created: dt.datetime = row["create_date"]
    placed_on: dt.date = row["sale_date"] or created.date()
    return DocumentSummary(
        external_id=str(row["id"]),
        key=row["web_id"] or "",
        number=row["number"] or "",
        state=row["state"],
        total=row["total_amount"],
        currency=row["currency"]["code"],
        placed_at=dt.datetime.combine(placed_on, dt.time(), dt.UTC),
        placed_on=placed_on,
        version=version(row),
        reference=row["reference"] or "",
        rank=RANKS[row["state"]],
    )


def refunded(origin: str | None) -> str:
    """The id of the sale that a return sale names as its origin; empty for a sale of its own."""
    return origin.removeprefix(_RETURNS) if origin and origin.startswith(_RETURNS) else ""


def without_returns(found: Mapping[str, Sequence[TargetDocument]]) -> dict[str, list[TargetDocument]]:
    """Found documents that are sales of their own."""
    sales = {
        key: [each for each in documents if not refunded(each.payload["origin"])] for key, documents in found.items()
    }
    return {key: documents for key, documents in sales.items() if documents}


def as_document(row: JsonDict) -> TargetDocument:
    """A sale as one row of `FIELDS` says it."""
    return TargetDocument(
        external_id=str(row["id"]),
        key=row["web_id"] or "",
        number=row["number"] or "",
        state=row["state"],
        total=row["total_amount"],
        tax=row["tax_amount"],
        currency=row["currency"]["code"],
        payload=row,
        rank=RANKS[row["state"]],
        version=version(row),
    )


def _assumed(documents: Sequence[TargetDocument], rank: Rank) -> dict[str, Result]:
    return {each.external_id: Result(document=dataclasses.replace(each, rank=rank)) for each in documents}


def _reached(result: Result, rank: Rank) -> Result:
    document = result.document
    if document is None or document.rank >= rank:
        return result
    told = say("the sale is in state %(state)s in the ERP and was left alone", state=repr(document.state))
    return Result(error=RecordRejected(told, code=document.state))


def _read_back(document: TargetDocument | None, payload: JsonDict) -> Result:
    if document is not None and document.key == payload["web_id"]:
        return Result(document=document)
    return Result(error=OutcomeUnknown(say("created, but not found when it was read back")))


def _exists(payload: JsonDict) -> AlreadyExists:
    return AlreadyExists(
        say("a sale with web_id %(web_id)s exists already", web_id=repr(payload["web_id"])), field="web_id"
    )


def _all(payloads: Sequence[JsonDict], error: ConnectorError) -> list[Result]:
    return [Result(error=error) for _ in payloads]
