"""What gateways kept, as journal entries of their own: an account of expenses against that which payments debit.

Made as a draft by `load` under an external id, posted by a second call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import amount, keys_of
from connectors.odoo.goods import batches
from connectors.odoo.invoicing import MODEL, Invoicing
from connectors.odoo.loading import Refused, external_id, load

_FIELDS: Final = ("name", "state", "ref", "date", "amount_total", "currency_id")
_BATCH: Final = 200


class Fees:
    """The fees of one company."""

    def __init__(self, client: OdooClient, invoicing: Invoicing, module: str) -> None:
        self._client, self._invoicing, self._module = client, invoicing, module

    def find(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Entries by our reference: searched by the field that shows it, proven by the external id."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(list(dict.fromkeys(references)), _BATCH):
            domain = [["ref", "in", list(batch)], ["move_type", "=", "entry"], ["state", "!=", "cancel"]]
            rows = self._client.search(MODEL, domain, _FIELDS)
            keys = keys_of(self._client, MODEL, [row["id"] for row in rows], self._module)
            for row in rows:
                if (key := keys.get(row["id"], "")) in batch:
                    found.setdefault(key, []).append(_fee(row, key))
        return found

    def book(self, payload: JsonDict) -> TargetDocument:
        """A draft of what `payload` says: key, journal_id, account_id, amount, date; in the company's own currency."""
        until, key = Until(self._client.deadline_s), payload["key"]
        if key in self.find([key]):
            text = say("an entry with the external id %(key)s exists already", key=repr(key))
            raise AlreadyExists(text, field="id")
        row = {
            "id": external_id(self._module, key),
            "move_type": "entry",
            "journal_id": payload["journal_id"],
            "date": payload["date"],
            "ref": key,
            "line_ids": [
                _line(payload["account_id"], key, payload["amount"], "0"),
                _line(self._debited(payload["journal_id"]), key, "0", payload["amount"]),
            ],
        }
        made = load(self._client, MODEL, [row], until)
        if isinstance(made, Refused):
            raise made.whole or next(iter(made.records.values()))
        return self._read_back(made[0], key)

    def post(self, external: str) -> TargetDocument:
        """Post a draft and read it as it stands then; one that is posted is left alone."""
        self._invoicing.post(external)
        keys = keys_of(self._client, MODEL, [int(external)], self._module)
        return self._read_back(int(external), keys.get(int(external), ""))

    def _debited(self, journal: int) -> int:
        """The account on which a payment in this journal stands: of outstanding money, else the journal's own."""
        [row] = self._client.search(
            "account.journal", [["id", "=", journal]], ("name", "default_account_id", "inbound_payment_method_line_ids")
        ) or [{}]
        lines = row.get("inbound_payment_method_line_ids") or []
        domain = [["id", "in", lines]]
        ways = self._client.search("account.payment.method.line", domain, ("payment_account_id",)) if lines else []
        account = next((way["payment_account_id"] for way in ways if way["payment_account_id"]), None)
        account = account or row.get("default_account_id")
        if not account:
            text = say("the journal %(name)s has no account", name=row.get("name") or journal)
            raise RecordRejected(text, code="no_account")
        number: int = account[0]
        return number

    def _read_back(self, number: int, key: str) -> TargetDocument:
        try:
            row = self._invoicing.read(number, _FIELDS)
        except ConnectorError as error:
            text = say("booked, but not read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        return _fee(row, key)


def _line(account: int, name: str, debit: str, credit: str) -> JsonDict:
    return {"account_id": account, "name": name, "debit": debit, "credit": credit}


def _fee(row: JsonDict, key: str) -> TargetDocument:
    return TargetDocument(
        external_id=str(row["id"]),
        key=key,
        number=row["name"] if row["state"] == "posted" else "",
        state=row["state"],
        total=amount(row["amount_total"]),
        tax=None,
        currency=row["currency_id"][1],
        payload=row,
        rank=Rank.CONFIRMED if row["state"] == "posted" else Rank.DRAFT,
    )
