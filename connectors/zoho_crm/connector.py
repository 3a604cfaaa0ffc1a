"""The connector: what `sync` asks of a Zoho CRM organisation."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from connectors.kit.base import (
    ConnectorSettings,
    Delivery,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    JsonDict,
    KeyDeclaration,
    LinksDocuments,
    ListsOrders,
    ManagesWebhooks,
    Page,
    PullsOrders,
    ReceivesWebhooks,
    RewindsPulls,
    Subscription,
    Throttle,
)
from connectors.kit.crm import AccountMark, CreatesAccounts, KeepsAccounts, Made, TakesContacts, TellsAccounts
from connectors.kit.errors import ConnectionBroken, ConnectorError, RecordRejected
from connectors.kit.facets import MarksOrders, TakesNotes
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.moments import moment_of, moment_text
from connectors.kit.options import Options
from connectors.kit.preparing import Need, Prepares
from connectors.kit.words import say
from connectors.zoho_crm import notifications, preparing
from connectors.zoho_crm.accounts import KEY, Accounts, missed
from connectors.zoho_crm.checkup import CHECKS, Checkup, Looks
from connectors.zoho_crm.client import MOST_RECORDS, Client
from connectors.zoho_crm.login import data_centre
from connectors.zoho_crm.marks import Marks
from connectors.zoho_crm.notes import Notes
from connectors.zoho_crm.orders import MADE_OF, MODULES, Orders, Reading, module_of

_OPTIONS: Final = frozenset(
    {
        *(
            "accounts_url",
            "crm_url",
            "currency",
            "deal_article",
            "deal_lines",
            "leave_out",
            "orders_from",
            "per_page",
            "stages",
        ),
        "vat_field",
    }
)
_FIELD: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]{0,99})?")
_HOW_TO_ENFORCE: Final = say(
    "make a field %(field)s of accounts, a single line that does not allow duplicate values "
    "(Setup > Modules and Fields)"
)
_PER_PAGE: Final = 50
_MOST_PER_PAGE: Final = 200


class ZohoCrm(
    PullsOrders,
    RewindsPulls,
    FetchesOrders,
    ListsOrders,
    ReceivesWebhooks,
    ManagesWebhooks,
    Diagnoses,
    LinksDocuments,
    MarksOrders,
    TakesNotes,
    KeepsAccounts,
    CreatesAccounts,
    TakesContacts,
    TellsAccounts,
    Prepares,
):
    """One organisation of Zoho CRM. Thread-safe.

    Options: `orders_from` (`sales_orders`, `quotes` or `deals`), `stages` (in which a quote or deal is an order),
    `leave_out` (what is made of these), `deal_lines` and `deal_article`, `vat_field` (of accounts), `currency` (where
    the user may not read the organisation), `per_page` (1 to 200), `accounts_url`, `crm_url` (for the console's links).
    """

    #: The lines come with one record alone.
    fetch_batch = 1
    #: The smallest edition lets five calls in at once, of which other apps want some.
    concurrency = 2
    checks = CHECKS
    presumed = (*preparing.OF_ORDERS, *preparing.OF_ACCOUNTS)
    makes = preparing.MAKES
    account_batch = MOST_RECORDS
    order_keys: Mapping[str, KeyDeclaration] = MappingProxyType(
        {
            "note": KeyDeclaration(key_field="Note_Content", enforced=False, same_call=True),
            # A field has one value, in which each number has one line.
            "mark": KeyDeclaration(key_field="Crossdock_Invoices", enforced=True, same_call=True),
        }
    )
    crm_keys: Mapping[str, KeyDeclaration] = MappingProxyType(
        {
            # The doctor looks whether the field is there, and unique.
            "account": KeyDeclaration(
                key_field=KEY, enforced=True, same_call=True, how_to_enforce=_HOW_TO_ENFORCE.filled(field=KEY)
            ),
            "contact": KeyDeclaration(key_field="Email", enforced=True, same_call=True),
            "entry": KeyDeclaration(key_field="Note_Content", enforced=False, same_call=True),
        }
    )

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        options = Options("zoho_crm", settings.options, _OPTIONS)
        stages = options.texts("stages", ()) if "stages" in settings.options else ()
        source = options.one_of("orders_from", tuple(MODULES), "sales_orders")
        module = module_of(source, stages)
        reading = Reading(
            module=module,
            per_page=options.whole("per_page", _PER_PAGE, 1, _MOST_PER_PAGE),
            overlap=dt.timedelta(seconds=settings.overlap_s),
            vat_field=_field(options.text("vat_field")),
            deal_lines=options.text("deal_lines"),
            deal_article=options.text("deal_article"),
            leave_out=_left_out(options, source) if "leave_out" in settings.options else (),
        )
        self._client = Client(
            settings,
            accounts_url=options.address("accounts_url", ""),
            currency=options.text("currency"),
            throttle=throttle,
            dry_run=dry_run,
        )
        self._module = module
        #: The longest deadline of any of the writes.
        self.write_deadline_s = self._client.write_deadline_s
        self._crm_url = options.address("crm_url", _crm_url(settings.url))
        self._secrets = settings.webhook_secrets
        self._orders = Orders(self._client, reading)
        self._marks = Marks(self._client, module, self._orders.fetch_one)
        self._accounts = Accounts(self._client, reading.vat_field)
        self._entries = Notes(self._client, "Accounts")
        self._channel = notifications.Channel(self._client, module.name, self._secrets)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The page of an `order` or an `account`."""
        module = {"order": self._module.name, "account": "Accounts"}.get(kind)
        if module is None or not (external_id.isascii() and external_id.isdecimal()):
            return ""
        # The tab of deals has kept its old name.
        tab = {"Deals": "Potentials", "Sales_Orders": "SalesOrders"}.get(module, module)
        return f"{self._crm_url}/crm/EntityInfo.do?module={tab}&id={external_id}"

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first, then those that were deleted; at least one page.

        A checkpoint steps back by the overlap, `since` does not. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return moment_text(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """The newest change that was read."""
        return moment_of(checkpoint)

    # -- FetchesOrders ---------------------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for: a call each, and a query for all.

        Raises Transient, ConnectionBroken, RecordRejected for an id that is none of Zoho CRM.
        """
        return self._orders.fetch(external_ids)

    # -- ListsOrders -----------------------------------------------------------------------------------------

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order made in the window, each once; of quotes and deals those that are orders now."""
        return self._orders.list_all(since, until)

    # -- MarksOrders, TakesNotes -----------------------------------------------------------------------------

    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Read the order and send what differs from it, as long as nobody has changed it since.

        `state` stands for the module's field of the state. Fields that the organisation does not have are left out.
        """
        return self._marks.update(external_id, payload)

    def list_notes(self, external_id: str) -> list[JsonDict]:
        """All notes of one order, oldest first."""
        return self._marks.notes(external_id)

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first."""
        return self._marks.add_note(external_id, payload)

    # -- Prepares --------------------------------------------------------------------------------------------

    def lacking(self, fields: Sequence[Need]) -> list[Need]:
        """By the module's list of fields."""
        return preparing.lacking(self._client, self._module.name, fields)

    def prepare(self, need: Need) -> None:
        """A field of the module of orders."""
        preparing.prepare(self._client, self._module.name, need)

    # -- KeepsAccounts ---------------------------------------------------------------------------------------

    def find_accounts(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """By id, by VAT number (with `vat_field`), by the e-mail of a contact, by name."""
        return self._accounts.find(marks)

    def update_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """A hundred a call; what the organisation has no field for it leaves out itself."""
        return self._accounts.update(payloads)

    # -- CreatesAccounts, TakesContacts ----------------------------------------------------------------------

    def takes_accounts(self) -> bool:
        """The field for our key has a name of ours; whether it is there the doctor says."""
        return True

    def create_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """By upsert over `Crossdock_Key`, a hundred a call, after a look whose names are taken.

        Raises RecordRejected (`no_key`) where the organisation has no such field, and what `create_accounts` raises.
        """
        return self._accounts.create(payloads)

    def create_contacts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """By upsert over `Email`, a hundred a call, after a look at whose account each address stands."""
        return self._accounts.create_contacts(payloads)

    # -- TellsAccounts ---------------------------------------------------------------------------------------

    def takes_entries(self) -> bool:
        """Every account takes notes."""
        return True

    def list_entries(self, account_id: str, *, since: dt.datetime | None = None) -> list[JsonDict]:
        """Notes at the account."""
        return self._entries.listed(account_id, since)

    def add_entry(self, account_id: str, payload: JsonDict) -> JsonDict:
        """A note."""
        try:
            return self._entries.add(account_id, payload)
        except RecordRejected as error:
            raise missed(account_id, error) from None

    # -- webhooks --------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Delivery:  # noqa: ARG002 - Zoho has none
        """Which orders to look at. Raises SignatureInvalid. Other modules are `ignored`."""
        return notifications.verify(body, self._secrets, self._module.name)

    @property
    def has_webhook_secret(self) -> bool:
        """One of the connection's `webhook_secrets`."""
        return bool(self._secrets)

    def ensure_subscriptions(self, delivery_url: str) -> list[tuple[Subscription, str]]:
        """One channel for orders that are made, changed and deleted, renewed from half of its life on.

        Raises ConnectionBroken without the scope for it, RecordRejected when Zoho CRM does not take the address.
        """
        return self._channel.ensure(delivery_url)

    def list_subscriptions(self, delivery_url: str) -> list[Subscription]:
        """One of each topic, as the organisation has it."""
        return self._channel.listed(delivery_url)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        looks = Looks(
            module=self._module.name,
            one_order=self._orders.any_one,
            ends_at=self._channel.ends_at,
            has_secret=self.has_webhook_secret,
        )
        return Checkup(self._client, looks).run(circumstances)


def _left_out(options: Options, source: str) -> tuple[str, ...]:
    """Of what a record may not be made. Raises ConnectionBroken for what it cannot be made of."""
    found, known = options.texts("leave_out", ()), MADE_OF[source]
    if not set(found) <= set(known):
        expected = " or ".join(known) or "left out"
        raise options.refusal("leave_out", f"a list of {expected} where orders come from {source}")
    return found


def _field(name: str) -> str:
    """The API name of a field. Raises ConnectionBroken for what cannot be one."""
    if _FIELD.fullmatch(name):
        return name
    text = say("option 'vat_field' must be the API name of a field, such as VAT_ID, not %(found)s", found=repr(name))
    raise ConnectionBroken(text, code="option")


def _crm_url(url: str) -> str:
    """Where people open the CRM of a data centre."""
    centre = data_centre(url)
    if not centre:
        return url.rstrip("/")
    return (
        "https://crm.zohocloud.ca" if centre == "zohoapis.ca" else f"https://crm.{centre.replace('zohoapis', 'zoho')}"
    )
