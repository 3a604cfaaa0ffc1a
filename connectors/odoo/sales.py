"""Sales: created in bulk under external ids, advanced, read back and listed."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import DocumentSummary, JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RecordRejected,
    Transient,
)
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import FIELDS, MODEL, as_document, as_summary, keys_of, ours
from connectors.odoo.goods import batches
from connectors.odoo.loading import Refused, external_id, load
from connectors.odoo.masters import Masters
from connectors.odoo.options import OdooOptions
from connectors.odoo.stamps import written

#: The method that gives a rank, and the ranks from which it does.
_STEPS: Final = {
    Rank.QUOTED: ("action_quotation_sent", frozenset({Rank.DRAFT})),
    Rank.CONFIRMED: ("action_confirm", frozenset({Rank.DRAFT, Rank.QUOTED})),
}
_PAGE: Final = 200
_SEARCHED: Final = 20
#: What PostgreSQL takes as an id.
_MAX_ID: Final = 2**31 - 1


class Sales:
    """The sales of one company, or of one sales team of it."""

    def __init__(self, client: OdooClient, masters: Masters, options: OdooOptions) -> None:
        self._client, self._masters, self._options = client, masters, options

    # -- looking up ------------------------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By our key, lowest id first: searched by the field that shows it, proven by the external id."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(list(dict.fromkeys(keys)), _PAGE):
            rows = self._client.search(MODEL, [["origin", "in", list(batch)]], FIELDS)
            known = self._keys([row["id"] for row in rows])
            for row in rows:
                if (key := known.get(row["id"], "")) in batch:
                    found.setdefault(key, []).append(as_document(row, key))
        return found

    def _taken(self, keys: Sequence[str]) -> frozenset[str]:
        ids = self._client.find_ids(MODEL, [["origin", "in", list(keys)]])
        return frozenset(self._keys(ids).values())

    def _keys(self, ids: Sequence[int]) -> dict[int, str]:
        """Id -> our key; a copy that somebody made of a sale has none."""
        return keys_of(self._client, MODEL, ids, self._options.module)

    # -- creating --------------------------------------------------------------------------------------------

    def create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Each as a draft, in calls of `bulk`."""
        until = Until(self._client.deadline_s)
        results: list[Result] = []
        stopped: ConnectorError | None = None
        for batch in batches(payloads, self._options.bulk):
            made = [Result(error=stopped)] * len(batch) if stopped else self._create_batch(batch, until)
            results.extend(made)
            stopped = stopped or _unsent(made)
        return results

    def _create_batch(self, payloads: Sequence[JsonDict], until: Until) -> list[Result]:
        keys = [payload["key"] for payload in payloads]
        try:
            # A load of an id that is there answers it as if it had just been made: only looking tells the two apart.
            taken = self._taken(keys)
        except ConnectorError as error:
            return [Result(error=error) for _ in payloads]
        results: dict[int, Result] = {}
        for index, key in enumerate(keys):
            if key in taken or key in keys[:index]:
                results[index] = Result(error=_exists(key))
        stopped: ConnectorError | None = None
        for alike in _alike(payloads, [index for index in range(len(keys)) if index not in results]):
            if stopped is None:
                self._load(payloads, alike, results, until)
                stopped = _unsent([results[index] for index in alike])
            else:
                results.update({index: Result(error=stopped) for index in alike})
        return [results[index] for index in range(len(keys))]

    def _load(
        self, payloads: Sequence[JsonDict], open_: Sequence[int], results: dict[int, Result], until: Until
    ) -> None:
        """All that is open in one call; after a refusal, which has undone it, all but those that it names."""
        while open_:
            try:
                made = load(
                    self._client, MODEL, [self._row(payloads[index]) for index in open_], until, context=self._quietly()
                )
            except ConnectorError as error:
                results.update({index: Result(error=error) for index in open_})
                return
            if not isinstance(made, Refused):
                results.update(self._read_created(payloads, dict(zip(open_, made, strict=True))))
                return
            results.update({open_[place]: Result(error=error) for place, error in made.records.items()})
            left = [index for index in open_ if index not in results]
            if made.whole is None:
                open_ = left
            elif isinstance(made.whole, RecordRejected) and len(left) > 1:
                # Undone, and nobody is named: halves, until it is known who it was.
                self._load(payloads, left[: len(left) // 2], results, until)
                open_ = [] if self._stop(left, results) else left[len(left) // 2 :]
            else:
                results.update({index: Result(error=made.whole) for index in left})
                return

    def _stop(self, left: Sequence[int], results: dict[int, Result]) -> bool:
        """Whether the first half ended in a way after which nothing more is sent."""
        unsent = _unsent([results[index] for index in left if index in results])
        if unsent is not None:
            results.update({index: Result(error=unsent) for index in left if index not in results})
        return unsent is not None

    def _row(self, payload: JsonDict) -> JsonDict:
        row = {name: value for name, value in payload.items() if name != "key"}
        team = self._masters.team()
        mine = {} if team is None else {"team_id": team}
        return {"id": external_id(self._options.module, payload["key"]), **mine, **row}

    def _quietly(self) -> Mapping[str, Any]:
        return {"tracking_disable": True} if self._options.quiet else {}

    def _read_created(self, payloads: Sequence[JsonDict], made: Mapping[int, int]) -> dict[int, Result]:
        try:
            rows = self._read(list(made.values()))
        except ConnectorError as error:
            text = say("created, but not read back: %(error)s", error=error)
            return {index: Result(error=OutcomeUnknown(text, status=error.status)) for index in made}
        gone = OutcomeUnknown(say("created, but not found when it was read back"))
        return {
            index: Result(document=as_document(rows[number], payloads[index]["key"]))
            if number in rows
            else Result(error=gone)
            for index, number in made.items()
        }

    # -- going up --------------------------------------------------------------------------------------------

    def advance(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """One call for all that are below `rank`, then read back: neither `true` nor `false` is proof."""
        until = Until(self._client.deadline_s)
        results = {document.external_id: Result(document=document) for document in documents}
        if rank not in _STEPS:
            return [_reached(results[document.external_id], rank) for document in documents]
        method, ranks = _STEPS[rank]
        ready = [document for document in documents if document.rank in ranks]
        stopped: ConnectorError | None = None
        for batch in batches(ready, self._options.bulk):
            if stopped is not None:
                results |= {document.external_id: Result(error=stopped) for document in batch}
                continue
            results |= self._press(batch, method, until)
            stopped = _unsent([results[document.external_id] for document in batch])
        return [_reached(results[document.external_id], rank) for document in documents]

    def _press(self, documents: Sequence[TargetDocument], method: str, until: Until) -> dict[str, Result]:
        ids = [int(document.external_id) for document in documents]
        try:
            answer = self._client.write(MODEL, method, ids=ids, context=self._quietly(), deadline_s=until.left_s())
        except RecordRejected as refusal:
            # All or none, and no name: who it is shows when each is tried alone.
            return self._refused(documents, method, refusal, until)
        except ConnectorError as error:
            return {document.external_id: Result(error=error) for document in documents}
        if not _is_odoo(answer):
            unknown = OutcomeUnknown(say("%(method)s was answered with something strange", method=method), code="shape")
            return {document.external_id: Result(error=unknown) for document in documents}
        now = self._state_of(documents)
        if isinstance(answer, dict):
            _name_wizard(now, documents, str(answer.get("res_model") or answer.get("name") or ""))
        if method == "action_confirm":
            self._keep_dates(documents, now, until)
        return now

    def _refused(
        self, documents: Sequence[TargetDocument], method: str, refusal: RecordRejected, until: Until
    ) -> dict[str, Result]:
        now = self._state_of(documents)
        _, ranks = next(step for step in _STEPS.values() if step[0] == method)
        results: dict[str, Result] = {}
        stopped: ConnectorError | None = None
        for document in documents:
            result = now[document.external_id]
            if result.document is None or result.document.rank not in ranks:
                results[document.external_id] = result
            elif stopped is not None:
                results[document.external_id] = Result(error=stopped)
            elif len(documents) == 1:
                told = say("%(name)s was refused: %(refusal)s", name=method, refusal=refusal)
                error = RecordRejected(told, code=refusal.code, status=refusal.status)
                results[document.external_id] = Result(error=error)
            else:
                results |= self._press([result.document], method, until)
                stopped = _unsent([results[document.external_id]])
        return results

    def _keep_dates(self, documents: Sequence[TargetDocument], now: Mapping[str, Result], until: Until) -> None:
        """Set the order's date back, which a confirmation moves to its own moment: the day of placing is the sale's."""
        if not self._options.keep_order_date:
            return
        moved = [
            {".id": int(before.external_id), "date_order": before.payload["date_order"]}
            for before in documents
            if (after := now[before.external_id].document) is not None
            and after.payload["date_order"] != before.payload["date_order"]
        ]
        if moved:
            # The sale is confirmed whether or not this works, and a repeat would find it confirmed.
            with contextlib.suppress(ConnectorError):
                load(self._client, MODEL, moved, until)

    def _state_of(self, documents: Sequence[TargetDocument]) -> dict[str, Result]:
        """What stands there now. A document that cannot be read is open: it may have been confirmed."""
        try:
            rows = self._read([int(document.external_id) for document in documents])
        except ConnectorError as error:
            text = say("the state could not be read back: %(error)s", error=error)
            unknown = OutcomeUnknown(text, status=error.status)
            return {document.external_id: Result(error=unknown) for document in documents}
        gone = RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return {
            document.external_id: Result(document=as_document(rows[number], document.key))
            if (number := int(document.external_id)) in rows
            else Result(error=gone)
            for document in documents
        }

    def _read(self, ids: Sequence[int]) -> dict[int, JsonDict]:
        rows = self._client.search(MODEL, [["id", "in", list(ids)]], FIELDS)
        return {row["id"]: row for row in rows}

    # -- the rest --------------------------------------------------------------------------------------------

    def delete(self, document: TargetDocument) -> None:
        """Delete a draft; one that is gone already is fine."""
        try:
            self._client.write(MODEL, "unlink", ids=[int(document.external_id)])
        except RecordRejected as refusal:
            if refusal.code != "MissingError":
                raise
        except ConnectionBroken as broken:
            # Only the sales administrator may delete; that is no reason to stop everything else.
            if broken.code != "access":
                raise
            raise RecordRejected(str(broken), code=broken.code, status=broken.status) from None

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """By order date, in pages that stay whole while sales are added."""
        window = [["date_order", ">=", written(since)], ["date_order", "<", written(until)]]
        last = 0
        while True:
            rows = self._client.search(MODEL, [["id", ">", last], *window, *ours(self._masters)], FIELDS, limit=_PAGE)
            keys = self._keys([row["id"] for row in rows])
            for row in rows:
                yield as_summary(row, keys.get(row["id"], ""), since.tzinfo)
            if len(rows) < _PAGE:
                return
            last = rows[-1]["id"]

    def search(self, text: str) -> list[DocumentSummary]:
        """Sales that people call `text`, newest first."""
        names: list[Any] = [[name, "=", text] for name in ("name", "client_order_ref", "origin")]
        if text.isascii() and text.isdecimal() and int(text) <= _MAX_ID:
            names.append(["id", "=", int(text)])
        domain = [*ours(self._masters), *["|"] * (len(names) - 1), *names]
        rows = self._client.search(MODEL, domain, FIELDS, order="id desc", limit=_SEARCHED)
        keys = self._keys([row["id"] for row in rows])
        return [as_summary(row, keys.get(row["id"], ""), dt.UTC) for row in rows]

    def test_payload(self, key: str) -> JsonDict:
        """A draft of the company to itself, without lines: nothing can come of it."""
        partner = self._masters.company()["partner"]
        return {"key": key, "partner_id": partner, "origin": key, "client_order_ref": "Crossdock: a test"}


def _alike(payloads: Sequence[JsonDict], indexes: Sequence[int]) -> list[list[int]]:
    """Lists of those with the same columns: an empty cell would take away what Odoo sets where the column is absent."""
    groups: dict[frozenset[str], list[int]] = {}
    for index in indexes:
        groups.setdefault(frozenset(payloads[index]), []).append(index)
    return list(groups.values())


def _exists(key: str) -> AlreadyExists:
    return AlreadyExists(say("a sale with the external id %(key)s exists already", key=repr(key)), field="id")


def _unsent(results: Sequence[Result]) -> ConnectorError | None:
    """What keeps all later calls from being sent: an outcome that nobody knows, or nobody who answers."""
    for result in results:
        if result.error is not None and not isinstance(result.error, RecordRejected):
            if isinstance(result.error, OutcomeUnknown):
                return Transient(say("not sent: the call before it had no usable answer"))
            return result.error
    return None


def _is_odoo(answer: Any) -> bool:
    """What a button of Odoo answers: true, false, nothing, or a window to open."""
    if answer is None or isinstance(answer, bool):
        return True
    return isinstance(answer, dict) and str(answer.get("type", "")).startswith("ir.actions.")


def _name_wizard(now: dict[str, Result], documents: Sequence[TargetDocument], wizard: str) -> None:
    """A window in the place of a deed: what it did not do, it asks somebody about."""
    for document in documents:
        after = now[document.external_id].document
        if after is not None and after.rank == document.rank:
            text = say("Odoo asks a question (%(wizard)s) and has done nothing: answer it there once", wizard=wizard)
            now[document.external_id] = Result(error=RecordRejected(text, code="wizard"))


def _reached(result: Result, rank: Rank) -> Result:
    document = result.document
    if document is None or document.rank >= rank:
        return result
    told = say("the sale is in state %(state)s in the ERP and was left alone", state=repr(document.state))
    return Result(error=RecordRejected(told, code=document.state))
