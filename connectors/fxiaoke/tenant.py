"""What the connection says of its tenant, for nothing that Fxiaoke answers says it: options, read once.

Names of fields differ from tenant to tenant: whoever sets Fxiaoke up adds `…__c` fields to its objects. And of some of
the vendor's own fields nobody has confirmed to us what they mean; those are options too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.base import JsonDict
from connectors.kit.options import Options

MAX_PER_PAGE: Final = 100
#: Ids in one filter; the vendor names no limit.
_IDS_PER_CALL: Final = 50
_API_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_EMPLOYEE: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_RATE: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?")

#: Options that name a field or an object, with what they are where nobody says otherwise.
_NAMES: Final[Mapping[str, str]] = {
    "currency_field": "mc_currency",
    "tax_rate_field": "",
    "freight_field": "",
    "sku_field": "product_code",
    "vat_id_field": "",
    "state_field": "",
    "sale_field": "",
    "shipment_field": "",
    "invoice_field": "",
    "shipment_object": "",
    "key_field": "ext_id__c",
    "order_field": "order_id__c",
    "tracking_field": "",
    "carrier_field": "",
    "content_field": "",
    "account_orders_field": "",
    "account_value_field": "",
    "account_last_field": "",
    "account_open_field": "",
    "account_key_field": "",
    "entry_object": "",
    "entry_key_field": "ext_id__c",
    "entry_account_field": "account_id__c",
    "entry_title_field": "",
    "entry_text_field": "",
}
OPTIONS: Final = frozenset(
    {
        *_NAMES,
        *(
            "account_fields",
            "account_owner",
            "account_page",
            "country",
            "currency",
            "ids_per_call",
            "line_changes",
            "order_page",
            "per_page",
        ),
        *("product_fields", "tax_rate", "trigger_workflow", "zone"),
    }
)
#: What of a customer and of a product is kept with an order.
_ACCOUNT: Final = ("_id", "name", "account_no", "tel", "email", "address", "life_status")
_PRODUCT: Final = ("_id", "name", "life_status")
#: What the mapping has to know.
_FOR_MAPPING: Final = ("currency_field", "tax_rate_field", "freight_field", "sku_field", "vat_id_field")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The options of one connection."""

    names: Mapping[str, str]
    currency: str
    zone: str
    country: str
    tax_rate: str
    account_fields: tuple[str, ...]
    product_fields: tuple[str, ...]
    per_page: int
    ids_per_call: int
    #: The employee to whom a new customer belongs; empty: Fxiaoke decides.
    account_owner: str
    #: Look for lines that changed while their order says that it did not.
    line_changes: bool
    trigger_workflow: bool
    #: `order`, `account` -> the address of its page with `{id}` in it; empty where nobody says.
    pages: Mapping[str, str]

    def settings(self) -> JsonDict:
        """What goes with every order, for its mapping."""
        named = {name: self.names[name] for name in _FOR_MAPPING if self.names[name]}
        told = {"currency": self.currency, "zone": self.zone, "country": self.country, **named}
        return told | ({"tax_rate": self.tax_rate} if self.tax_rate else {})

    def fields(self, payload: Mapping[str, Any]) -> JsonDict:
        """A payload that names options, in the fields that these name; what none names is left out."""
        named = {self.names.get(name, name): value for name, value in payload.items()}
        return {field: value for field, value in named.items() if field}

    @property
    def of_account(self) -> tuple[str, ...]:
        """Fields of a customer that are read."""
        return _once(*_ACCOUNT, self.names["vat_id_field"], *self.account_fields)

    @property
    def of_product(self) -> tuple[str, ...]:
        """Fields of a product that are read."""
        return _once(*_PRODUCT, self.names["sku_field"], *self.product_fields)


def read_tenant(given: Mapping[str, Any], employee: str = "") -> Tenant:
    """Raises ConnectionBroken naming an option that cannot be used. `employee` owns customers where no option says."""
    options = Options("fxiaoke", given, OPTIONS)
    return Tenant(
        names={name: _api_name(options, name, default) for name, default in _NAMES.items()},
        currency=_fitting(options, "currency", "CNY", re.compile("[A-Z]{3}"), "a currency code such as CNY"),
        zone=_zone(options),
        country=_fitting(options, "country", "CN", re.compile("[A-Z]{2}"), "a country code such as CN"),
        tax_rate=_fitting(options, "tax_rate", "", _RATE, "a percentage such as 13"),
        account_fields=_list(options, given, "account_fields"),
        product_fields=_list(options, given, "product_fields"),
        account_owner=_fitting(options, "account_owner", employee, _EMPLOYEE, "the id of an employee such as 1000"),
        per_page=options.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE),
        ids_per_call=options.whole("ids_per_call", _IDS_PER_CALL, 1, MAX_PER_PAGE),
        line_changes=options.flag("line_changes", default=True),
        trigger_workflow=options.flag("trigger_workflow", default=False),
        pages={kind: _page(options, f"{kind}_page") for kind in ("order", "account")},
    )


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _api_name(options: Options, name: str, default: str) -> str:
    return _fitting(options, name, default, _API_NAME, "an API name such as ext_id__c")


def _fitting(options: Options, name: str, default: str, pattern: re.Pattern[str], expected: str) -> str:
    value = options.text(name, default)
    if value and not pattern.fullmatch(value):
        raise options.refusal(name, expected)
    return value


def _list(options: Options, given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = options.texts(name, ()) if name in given else ()
    for each in found:
        if not _API_NAME.fullmatch(each):
            raise options.refusal(name, "a list of API names")
    return found


def _zone(options: Options) -> str:
    name = options.text("zone", "Asia/Shanghai")
    try:
        dt.datetime.now(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise options.refusal("zone", "a time zone such as Asia/Shanghai") from None
    return name


def _page(options: Options, name: str) -> str:
    page = options.address(name, "")
    if page and "{id}" not in page:
        raise options.refusal(name, "an address with {id} in it")
    return page
