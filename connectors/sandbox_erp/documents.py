"""Sales and refunds: found, created, advanced and read back, always by our key within the shop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.words import say
from connectors.sandbox_erp.client import Client, batches, number, reading, rejection

RANKS: Final[Mapping[str, Rank]] = {
    "cancelled": Rank.CANCELLED,
    "draft": Rank.DRAFT,
    "quoted": Rank.QUOTED,
    "confirmed": Rank.CONFIRMED,
}
_STATES: Final = {rank: state for state, rank in RANKS.items()}
#: What we believed to be known there is gone: the next try must ask again.
_STALE: Final = frozenset({"unknown_party", "unknown_product", "not_salable"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """One kind of documents."""

    client: Client
    shop: str
    #: `sale` or `refund`.
    kind: str
    #: Documents of one call.
    bulk: int
    #: Called when a refusal shows that something resolved is known no longer.
    forget: Callable[[], None]

    def find(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every document of our shop under each key, lowest id first."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(keys):
            for document in self._read([("shop", self.shop), *(("key", key) for key in batch)]):
                found.setdefault(document.key, []).append(document)
        return found

    def create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create drafts, `bulk` in a call; each item has an outcome of its own."""
        return [result for batch in batches(payloads, self.bulk) for result in self._create(batch)]

    def advance(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring up what is below `rank`, then read it back: the answer to the write is not taken for proof."""
        results: dict[int, Result] = {}
        below: list[tuple[int, TargetDocument]] = []
        for index, document in enumerate(documents):
            if document.rank >= rank:
                results[index] = Result(document)
            elif document.rank is Rank.CANCELLED:
                problem = say(
                    "%(kind)s %(id)s is cancelled and cannot be %(state)s",
                    kind=self.kind,
                    id=document.external_id,
                    state=_STATES[rank],
                )
                results[index] = Result(error=RecordRejected(problem, code="wrong_state"))
            else:
                below.append((index, document))
        for batch in batches(below, self.bulk):
            outcomes = self._advance([int(document.external_id) for _, document in batch], rank)
            results.update(zip((index for index, _ in batch), outcomes, strict=True))
        return [results[index] for index in range(len(documents))]

    def change(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write absolute values; what was written is read back."""
        return self._written("PUT", external_id, "", payload)

    def cancel(self, external_id: str) -> TargetDocument:
        """Cancel as far as the ERP lets us; what stands then is read back."""
        return self._written("POST", external_id, "/cancel", None)

    def delete(self, document: TargetDocument) -> None:
        """Delete our own draft; one that is gone already counts as deleted."""
        try:
            self.client.send("DELETE", f"api/sales/{int(document.external_id)}")
        except RecordRejected as error:
            if error.code != "not_found":
                raise

    def _written(self, method: str, external_id: str, what: str, body: JsonDict | None) -> TargetDocument:
        path = f"api/{self.kind}s/{number(external_id)}{what}"
        self.client.send(method, path, body)
        try:
            found = self._read([("id", external_id)])
        except ConnectorError as error:
            text = say("written, but it could not be read back: %(error)s", error=error)
            raise OutcomeUnknown(text, code=error.code) from None
        if not found:
            text = say("written, but when read back %(kind)s %(id)s is gone", kind=self.kind, id=external_id)
            raise OutcomeUnknown(text, code="gone")
        return found[0]

    def _create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        documents = [{**payload, "shop": self.shop} for payload in payloads]
        try:
            outcomes = self.client.send_all(f"api/{self.kind}s", documents, len(documents))
        except RecordRejected as error:
            # Refused as a whole, so nothing of it was kept; alone, each shows whether it is the one at fault.
            if len(payloads) > 1:
                return [result for payload in payloads for result in self._create([payload])]
            return [Result(error=error)]
        except ConnectorError as error:
            return [Result(error=error)] * len(payloads)
        return [self._result(outcome) for outcome in outcomes]

    def _advance(self, ids: Sequence[int], rank: Rank) -> list[Result]:
        body = {"ids": list(ids), "state": _STATES[rank]}
        try:
            outcomes = self.client.send_all(f"api/{self.kind}s/advance", body, len(ids))
        except ConnectorError as error:
            return [Result(error=error)] * len(ids)
        try:
            standing = {document.external_id: document for document in self._read([("id", str(i)) for i in ids])}
        except ConnectorError as error:
            text = say("advanced, but it could not be read back: %(error)s", error=error)
            return [Result(error=OutcomeUnknown(text, code=error.code))] * len(ids)
        return [
            _advanced(outcome, standing.get(str(found)), rank) for found, outcome in zip(ids, outcomes, strict=True)
        ]

    def _result(self, outcome: JsonDict) -> Result:
        if outcome["ok"]:
            try:
                with reading(write=True):
                    return Result(document_of(outcome[self.kind]))
            except ConnectorError as error:
                return Result(error=error)
        if outcome["error"].get("code") in _STALE:
            self.forget()
        return Result(error=rejection(outcome["error"]))

    def _read(self, params: list[tuple[str, str]]) -> list[TargetDocument]:
        data = self.client.get(f"api/{self.kind}s", params)
        with reading():
            return [document_of(each) for each in data[f"{self.kind}s"]]


def _advanced(outcome: JsonDict, document: TargetDocument | None, rank: Rank) -> Result:
    """What the read-back says, for what the write was answered."""
    if document is not None and document.rank >= rank:
        return Result(document)
    if not outcome["ok"]:
        return Result(error=rejection(outcome["error"]))
    found = "gone" if document is None else document.state
    text = say("answered as %(state)s, but when read back it is %(found)s", state=_STATES[rank], found=found)
    return Result(error=OutcomeUnknown(text))


def document_of(sale: JsonDict) -> TargetDocument:
    """A sale or a refund as it was answered."""
    return TargetDocument(
        external_id=str(int(sale["id"])),
        key=sale["external_key"],
        number=sale["number"],
        state=sale["state"],
        total=Decimal(sale["total"]),
        tax=Decimal(sale["tax"]),
        currency=sale["currency"],
        payload=sale,
        rank=RANKS[sale["state"]],
        version=version(sale["change"]),
    )


def version(number_of_change: int) -> str:
    """The number of the newest change of a sale: later changes have higher ones."""
    return f"{int(number_of_change):015d}"
