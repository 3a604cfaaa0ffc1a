"""The connector: what `sync` asks of a company on Fxiaoke."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from connectors.fxiaoke import orders
from connectors.fxiaoke.accounts import Accounts
from connectors.fxiaoke.checkup import CHECKS, Checkup
from connectors.fxiaoke.client import Client
from connectors.fxiaoke.marks import Marks
from connectors.fxiaoke.orders import ACCOUNT, Orders
from connectors.fxiaoke.records import PARCELS, Records
from connectors.fxiaoke.tenant import read_tenant
from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    JsonDict,
    KeyDeclaration,
    LinksDocuments,
    ListsOrders,
    Page,
    PullsOrders,
    RewindsPulls,
    Throttle,
)
from connectors.kit.crm import AccountMark, CreatesAccounts, KeepsAccounts, Made, TellsAccounts
from connectors.kit.errors import ConnectorError
from connectors.kit.facets import MarksOrders, TakesFulfilments, TakesNotes
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.words import say

_HOW_TO_ENFORCE: Final = say(
    "make the field %(field)s of %(object)s unique in Fxiaoke's administration: the API cannot do it"
)


class Fxiaoke(
    PullsOrders,
    RewindsPulls,
    FetchesOrders,
    ListsOrders,
    TakesFulfilments,
    TakesNotes,
    MarksOrders,
    KeepsAccounts,
    CreatesAccounts,
    TellsAccounts,
    Diagnoses,
    LinksDocuments,
):
    """One company on Fxiaoke. Thread-safe. Its options are `tenant.OPTIONS`."""

    fetch_batch = 50
    #: Each interface takes five calls a second, whoever sends them.
    concurrency = 2
    checks = CHECKS

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        # The legacy scheme names its user otherwise than records name their owner.
        employee = "" if settings.auth_method == "session" else settings.login
        self._tenant = read_tenant(settings.options, employee)
        self._client = Client(settings, self._tenant, throttle=throttle, dry_run=dry_run)
        self._orders = Orders(self._client, self._tenant, dt.timedelta(seconds=settings.overlap_s))
        self._marks = Marks(self._client, self._tenant, self._orders)
        self._parcels = Records(self._client, self._tenant, PARCELS)
        self._accounts = Accounts(self._client, self._tenant)
        self.account_batch = self._tenant.ids_per_call
        self.write_deadline_s = self._client.http.deadline_s
        self.order_keys: Mapping[str, KeyDeclaration] = self._declared()
        self.crm_keys: Mapping[str, KeyDeclaration] = {
            "account": self._keyed(ACCOUNT, "account_key_field"),
            "entry": self._keyed(self._tenant.names["entry_object"], "entry_key_field"),
        }

    def _keyed(self, name: str, option: str) -> KeyDeclaration:
        """Whether the company has made the key unique the doctor sees; nothing here may rely on it."""
        field = self._tenant.names[option]
        how = _HOW_TO_ENFORCE.filled(field=field or option, object=name or "-")
        key_field = f"{name}.{field}".strip(".")
        return KeyDeclaration(key_field=key_field, enforced=False, same_call=True, how_to_enforce=how)

    def _declared(self) -> dict[str, KeyDeclaration]:
        names = self._tenant.names
        return {
            "fulfilment": self._keyed(names["shipment_object"], "key_field"),
            # A line of its own in a field that is written whole: writing it again changes nothing.
            "note": KeyDeclaration(
                key_field=names["shipment_field"] or "shipment_field", enforced=True, same_call=True
            ),
            "mark": KeyDeclaration(key_field="_id", enforced=True, same_call=True),
        }

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The page of an `order` or an `account`, by options: where they are differs from cloud to cloud."""
        return self._tenant.pages.get(kind, "").replace("{id}", quote(external_id, safe=""))

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first, then those of which only a line has changed; at least one page.

        A checkpoint steps back by the overlap, `since` does not. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return orders.checkpoint_at(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """Up to when everything has been read."""
        return orders.checkpoint_moment(checkpoint)

    # -- FetchesOrders ---------------------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for; one that is not shown counts as deleted.

        Raises Transient, ConnectionBroken, RecordRejected for an id that can be none.
        """
        return self._orders.fetch(external_ids)

    # -- ListsOrders -----------------------------------------------------------------------------------------

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order entered in the window, each once, whatever its state."""
        return self._orders.list_all(since, until)

    # -- TakesFulfilments ------------------------------------------------------------------------------------

    def takes_fulfilments(self) -> bool:
        """Whether the connection names an object for them (option `shipment_object`)."""
        return bool(self._tenant.names["shipment_object"])

    def list_fulfilments(self, external_id: str) -> list[JsonDict]:
        """The records of one order's parcels, in the names of the options, with `id`."""
        return self._parcels.listed(self._marks.present(external_id))

    def create_fulfilment(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more record for the order: look first. Raises AlreadyExists where its key is unique and taken."""
        return self._parcels.create(external_id, payload)

    def update_fulfilment(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Change one; without a call where it shows the payload already."""
        return self._parcels.update(external_id, fulfilment_id, payload)

    # -- MarksOrders -----------------------------------------------------------------------------------------

    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Write what the order does not show yet, read it back, and answer it whole.

        Raises Locked while its people have it under approval, RecordRejected when it is gone or the value is not kept,
        and what writes raise.
        """
        return self._marks.update(external_id, payload)

    # -- TakesNotes ------------------------------------------------------------------------------------------

    def list_notes(self, external_id: str) -> list[JsonDict]:
        """The lines of the field for parcels (`shipment_field`). Raises RecordRejected when the order is gone."""
        return self._marks.notes(external_id)

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more line of that field; nobody is mailed. Raises Locked, and RecordRejected without such a field."""
        return self._marks.add_note(external_id, payload)

    # -- KeepsAccounts ---------------------------------------------------------------------------------------

    def find_accounts(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """By id, tax number (where the connection names its field), e-mail, name: the first that finds any."""
        return self._accounts.find(marks)

    def update_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """A call for each account that does not show it yet. Locked for one under approval."""
        return self._accounts.update(payloads)

    # -- CreatesAccounts -------------------------------------------------------------------------------------

    def takes_accounts(self) -> bool:
        """Whether the connection names a field for our key (option `account_key_field`)."""
        return bool(self._tenant.names["account_key_field"])

    def create_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """A customer for each key that none carries, found again by it. `no_key` without the option for its field."""
        return self._accounts.create(payloads)

    # -- TellsAccounts ---------------------------------------------------------------------------------------

    def takes_entries(self) -> bool:
        """Whether the connection names an object for them (option `entry_object`)."""
        return bool(self._tenant.names["entry_object"])

    def list_entries(self, account_id: str, *, since: dt.datetime | None = None) -> list[JsonDict]:
        """The records of one customer's history, in the names of the options, with `id`."""
        return self._accounts.entries(account_id, since)

    def add_entry(self, account_id: str, payload: JsonDict) -> JsonDict:
        """One more record: look first. Raises AlreadyExists where its key is unique and taken, `no_object` without."""
        return self._accounts.add_entry(account_id, payload)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        return Checkup(self._client, self._tenant).run(circumstances)
