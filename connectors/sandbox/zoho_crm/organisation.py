"""The state of the organisation: records of each module, channels, tokens, and what its people do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import time
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.ledger import Entry, Ledger

Json = dict[str, Any]
#: `(module, operation, id)`.
Listener = Callable[[str, str, str], None]
_CENT: Final = Decimal("0.01")
_FIRST_ID: Final = 5725767000000100001
_LINES: Final = {"Sales_Orders": "Ordered_Items", "Quotes": "Quoted_Items"}
_ADDRESS: Final = {
    "Street": "Straße des 17. Juni 135",
    "City": "Berlin",
    "State": None,
    "Code": "10623",
    "Country": "Germany",
}
#: Fields that are made by the CRM: what is written to them is left alone.
FORMULAS: Final = frozenset(
    {"Sub_Total", "Grand_Total", "SO_Number", "Quote_Number", "Created_Time", "Modified_Time", "id"}
)
#: Module -> its fields that no two records may share.
UNIQUE: Final[dict[str, tuple[str, ...]]] = {"Accounts": ("Account_Name",), "Contacts": ("Email",)}
MODULES: Final = ("Sales_Orders", "Quotes", "Deals", "Accounts", "Contacts", "Products", "Notes")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationSettings:
    """Everything of an organisation that is set and not sold."""

    client_id: str = "1000.SANDBOX"
    client_secret: str = dataclasses.field(default="zoho_sandbox_secret", repr=False)
    refresh_token: str = dataclasses.field(default="1000.sandbox.refresh", repr=False)
    title: str = "Teeladen Müller"
    zone_name: str = "Europe/Berlin"
    currency: str = "EUR"
    currencies: bool = True
    #: Where tokens are good for; empty: the address of this server.
    api_domain: str = ""
    scopes: tuple[str, ...] = (
        "ZohoCRM.modules.ALL",
        "ZohoCRM.coql.READ",
        "ZohoCRM.notifications.ALL",
        "ZohoCRM.org.READ",
    )
    #: Access tokens of ten minutes.
    tokens: int = 10
    #: The longest life of a channel, in seconds.
    channel_s: int = 86_400
    credits: int = 50_000


class Organisation:
    """One organisation. Everything that changes it holds `lock`."""

    def __init__(self, settings: OrganisationSettings | None = None, *, ledger: Ledger | None = None) -> None:
        self.settings = settings or OrganisationSettings()
        self.ledger = Ledger() if ledger is None else ledger
        self.lock = threading.RLock()
        self.records: dict[str, dict[str, Json]] = {module: {} for module in MODULES}
        self.deleted: dict[str, list[Json]] = {module: [] for module in MODULES}
        self.channels: dict[str, Json] = {}
        #: Ids of records that a person or a process has locked -> the code that says so.
        self.locked: dict[str, str] = {}
        self.listeners: list[Listener] = []
        self.clock_offset_s = 0.0
        self._ids = itertools.count(_FIRST_ID)
        self._numbers = itertools.count(501)
        self._products = {product.sku: self._product(product) for product in catalogue(20)}

    # -- time, ids -------------------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        """The organisation's clock, in whole seconds and its own zone."""
        moment = dt.datetime.fromtimestamp(int(time.time() + self.clock_offset_s), tz=dt.UTC)
        return moment.astimezone(zoneinfo.ZoneInfo(self.settings.zone_name))

    def new_id(self) -> str:
        """Larger than any float holds exactly."""
        return str(next(self._ids))

    # -- what people do --------------------------------------------------------------------------------------

    def sell(self, lines: Sequence[tuple[str, int]] | None = None, *, module: str = "Sales_Orders") -> Json:
        """Somebody makes an order, an accepted quote or a won deal; the record."""
        with self.lock:
            number = next(self._numbers)
            skus = list(self._products)
            wanted = lines or [(skus[number % len(skus)], 1 + number % 3)]
            account, contact = self._customer(number)
            record = self._order(module, number, wanted) | {
                "Account_Name": {"id": account["id"], "name": account["Account_Name"]},
                "Contact_Name": {"id": contact["id"], "name": contact["Full_Name"]},
            }
            return self.insert(module, record)

    def edit(self, module: str, record_id: str, **fields: Any) -> None:
        """Somebody changes a record."""
        with self.lock:
            self.update(module, record_id, fields)

    def delete(self, module: str, record_id: str) -> None:
        """Somebody deletes it: it goes to the recycle bin."""
        with self.lock:
            record = self.records[module].pop(record_id)
            row = {"id": record_id, "display_name": str(record.get("Subject") or ""), "type": "recycle"}
            self.deleted[module].append(row | {"deleted_time": self.now().isoformat()})
            self._tell(module, "delete", record)

    # -- records ---------------------------------------------------------------------------------------------

    def insert(self, module: str, fields: Json) -> Json:
        """A new record."""
        at = self.now().isoformat()
        record = {**fields, "id": self.new_id(), "Created_Time": at, "Modified_Time": at}
        self.records[module][record["id"]] = record
        self._tell(module, "create", record)
        return record

    def update(self, module: str, record_id: str, fields: Json) -> Json:
        """The record with these fields, and the others as they were."""
        record = {**self.records[module][record_id], **fields, "Modified_Time": self.now().isoformat()}
        self.records[module][record_id] = record
        self._tell(module, "edit", record)
        return record

    def value(self, record: Json, column: str) -> Any:
        """A column, through look-ups too: `Contact_Name.Email`. KeyError for one that no record has."""
        name, _, inner = column.partition(".")
        if not inner:
            return record.get(name)
        target = {"Contact_Name": "Contacts", "Account_Name": "Accounts"}[name]
        there = self.records[target].get((record.get(name) or {}).get("id", ""))
        return None if there is None else self.value(there, inner)

    def _tell(self, module: str, operation: str, record: Json) -> None:
        kind = f"{module.lower()}.{operation}"
        self.ledger.append(Entry(kind, "", record["id"], str(record.get("Grand_Total", "")), document=record))
        for listener in self.listeners:
            listener(module, operation, record["id"])

    # -- making records --------------------------------------------------------------------------------------

    def _product(self, product: Any) -> Json:
        return self.insert(
            "Products",
            {"Product_Name": product.name, "Product_Code": product.sku, "Unit_Price": number(product.net_price)},
        )

    def _customer(self, no: int) -> tuple[Json, Json]:
        """One of seven."""
        name = f"Müller & Söhne {no % 7}"
        accounts = self.records["Accounts"].values()
        account = next((each for each in accounts if each["Account_Name"] == name), None)
        if account is not None:
            contacts = self.records["Contacts"].values()
            return account, next(each for each in contacts if each["Account_Name"]["id"] == account["id"])
        address = {f"Billing_{part}": value for part, value in _ADDRESS.items()}
        fields = {"Account_Name": name, "Phone": None, "VAT_ID": f"DE12345678{no % 7}"}
        account = self.insert("Accounts", {**fields, **address})
        contact = {
            "First_Name": "Jürgen",
            "Last_Name": "Großmann",
            "Full_Name": "Jürgen Großmann",
            "Email": f"kunde{no % 7}@example.test",
            "Phone": None,
            "Account_Name": {"id": account["id"], "name": name},
        }
        return account, self.insert("Contacts", contact)

    def _order(self, module: str, no: int, wanted: Sequence[tuple[str, int]]) -> Json:
        lines = [self._line(place, sku, count) for place, (sku, count) in enumerate(wanted, 1)]
        sub = sum((Decimal(str(line["Total"])) for line in lines), Decimal(0))
        tax = (sub * 19 / 100).quantize(_CENT, ROUND_HALF_UP)
        currency: Json = {"Currency": self.settings.currency, "Exchange_Rate": 1} if self.settings.currencies else {}
        if module == "Deals":
            return {
                "Deal_Name": f"Deal {no}",
                "Stage": "Closed Won",
                "Amount": number(sub),
                "Probability": 100,
                **currency,
            }
        state = {"SO_Number": f"SO-{no}", "Status": "Approved"}
        if module == "Quotes":
            state = {"Quote_Number": f"Q-{no}", "Quote_Stage": "Accepted"}
        return {
            **state,
            **currency,
            "Subject": f"Tee {no}",
            "Discount": 0,
            "Sub_Total": number(sub),
            "Tax": number(tax),
            "$line_tax": [{"percentage": 19, "name": "MwSt", "id": "5725767000000000019", "value": number(tax)}],
            "Adjustment": 0,
            "Grand_Total": number(sub + tax),
            **{f"{kind}_{name}": value for kind in ("Billing", "Shipping") for name, value in _ADDRESS.items()},
            **dict.fromkeys(("Carrier", "Purchase_Order", "Description", "Terms_and_Conditions", "Deal_Name")),
            "$approval_state": "approved",
            _LINES[module]: lines,
        }

    def _line(self, place: int, sku: str, count: int) -> Json:
        product = self._products[sku]
        price = Decimal(str(product["Unit_Price"]))
        return {
            "id": self.new_id(),
            "Product_Name": {name: product[name] for name in ("id", "Product_Code")}
            | {"name": product["Product_Name"]},
            "Quantity": count,
            "List_Price": number(price),
            "Total": number(price * count),
            "Discount": 0,
            "Tax": 0,
            "Net_Total": number(price * count),
            "Line_Tax": [],
            "Description": None,
            "Sequence_Number": place,
        }


def number(amount: Decimal) -> int | float:
    """As JSON has it: 5.60 is 5.6, 37.00 is 37."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
