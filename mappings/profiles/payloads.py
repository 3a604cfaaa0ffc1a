"""The payloads of ERPs and shops as scopes of a profile: what rules may add to them, and what is not theirs.

What the base mapping writes stays as it is: the way back compares it, finds documents by it, pays with it. A rule adds
what the system has beside that (fields of its modules, of its plugins), and chooses the channel's settings order by
order. Whoever wants another text or another amount there changes the canonical order, where it is checked.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.fields import Amount, Day, Text, UtcTime
from mappings.canonical.words import say
from mappings.profiles.bounds import Failed
from mappings.profiles.fields import Field, UnknownField
from mappings.tryton import wire

#: `as:` word -> how a value of that type is written.
Types = Mapping[str, Callable[[Any], Any]]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


class PayloadFields:
    """What a rule may write into a payload."""

    def __init__(self, *, own: Collection[str], only: Sequence[str] | None = None, prefix: str = "") -> None:
        """`own` are the base mapping's. With `only`, there are these and no others. `prefix`: the list of all keys."""
        self._own, self.only, self._prefix = frozenset(own), only, prefix

    def __iter__(self) -> Iterator[Field]:
        """Those that can be listed."""
        return (Field((name,), "json") for name in self.only or ())

    def find(self, path: str) -> Field:
        """The field of a rule's `to`. Raises UnknownField."""
        if self.only is not None and path not in self.only:
            raise UnknownField(
                say("the setting %(path)s", path=path), say("one of %(names)s", names=", ".join(self.only))
            )
        if self.only is not None:
            return Field((path,), "text", Text())
        names = tuple(path.split("."))
        if len(names) > 1 and names[0] == self._prefix:
            names = names[1:]
        if len(names) != 1 or not _NAME.fullmatch(names[0]):
            raise UnknownField(say("the field %(path)s", path=path), say("one name of a field of the other system"))
        if names[0] in self._own or names[0].startswith("_crossdock"):
            raise UnknownField(
                say("the field %(path)s, which the base mapping writes", path=path),
                say("a field that it leaves alone"),
                say("change what it is made of: the canonical order under `source:`, or a setting"),
            )
        return Field(tuple(path.split(".")), "json")

    def kind_of(self, names: tuple[str, ...]) -> str | None:  # noqa: ARG002 - as of Fields
        """Nothing is known of what another system has."""
        return "json"


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """One payload that rules can add to."""

    fields: PayloadFields
    roots: tuple[str, ...]
    meaning: str
    types: Types = dataclasses.field(default_factory=dict)


def _amount(value: Any) -> Decimal:
    return Amount(numbers=True).read(value)


def _whole(value: Any) -> int:
    number = _amount(value)
    if number != number.to_integral_value():
        raise Failed(say("found %(value)s, expected a whole number", value=str(value)))
    return int(number)


def _flag(value: Any) -> bool:
    words = {"yes": True, "true": True, "no": False, "false": False}
    if isinstance(value, bool):
        return value
    if value in words:
        return words[value]
    raise Failed(say("found %(value)s, expected true or false", value=str(value)[:40]))


_JSON: Final[Types] = {"whole": _whole, "flag": _flag}
_TRYTON: Final[Types] = {
    **_JSON,
    "decimal": lambda value: wire.decimal(_amount(value)),
    "float": lambda value: wire.quantity(_amount(value)),
    "day": lambda value: wire.date(Day().read(value)),
    "time": lambda value: wire.moment(UtcTime().read(value)),
}

_ORDER: Final = ("order", "payload")
_LINE: Final = ("order", "payload", "item")

ERPS: Final[Mapping[str, Mapping[str, Payload]]] = {
    "tryton": {
        "settings": Payload(
            PayloadFields(
                own=(),
                only=(
                    *("warehouse", "payment_term", "carrier", "invoice_method", "shipment_method"),
                    *("free_text_product", "shipping_product", "fee_product"),
                ),
            ),
            ("order",),
            "The channel's `target` settings, chosen for this order.",
        ),
        "order": Payload(
            PayloadFields(
                own=(
                    *("company", "web_shop", "web_id", "reference", "sale_date", "party", "invoice_address"),
                    *("shipment_address", "currency", "warehouse", "payment_term", "invoice_method"),
                    *("shipment_method", "comment", "lines", "carrier", "shipment_cost_method", "state", "id"),
                )
            ),
            _ORDER,
            "More fields of `sale.sale`.",
            _TRYTON,
        ),
        "lines": Payload(
            PayloadFields(
                own=(
                    *("type", "product", "unit", "quantity", "unit_price", "description", "taxes", "base_price"),
                    *("sale", "id"),
                )
            ),
            _LINE,
            "More fields of `sale.line`, which `payload` is; `item` is the canonical line, null where there is none.",
            _TRYTON,
        ),
        "party": Payload(
            PayloadFields(own=("id", "code", "name", "addresses", "contact_mechanisms", "identifiers", "lang")),
            _ORDER,
            "More fields of a `party.party` that is made.",
            _TRYTON,
        ),
    },
    "odoo": {
        "settings": Payload(
            PayloadFields(
                own=(),
                only=(
                    *("warehouse", "payment_term", "carrier"),
                    *("free_text_product", "shipping_product", "fee_product"),
                ),
            ),
            ("order",),
            "The channel's `target` settings, chosen for this order.",
        ),
        "order": Payload(
            PayloadFields(
                own=(
                    *("key", "id", "partner_id", "partner_invoice_id", "partner_shipping_id", "client_order_ref"),
                    *("origin", "date_order", "company_id", "pricelist_id", "warehouse_id", "payment_term_id"),
                    *("carrier_id", "note", "order_line", "state"),
                )
            ),
            _ORDER,
            "More fields of `sale.order`; one whose name ends with `_id` or `_ids` takes ids.",
            _JSON,
        ),
        "lines": Payload(
            PayloadFields(
                own=(
                    *("product_id", "product_uom_qty", "price_unit", "name", "tax_ids", "is_delivery"),
                    *("order_id", "id"),
                )
            ),
            _LINE,
            "More fields of `sale.order.line`, which `payload` is; `item` is the canonical line, or null.",
            _JSON,
        ),
        "party": Payload(
            PayloadFields(
                own=(
                    *("key", "id", "ref", "name", "street", "street2", "zip", "city", "country_id", "state_id"),
                    *("is_company", "email", "phone", "vat", "customer_rank", "addresses", "parent_id", "type"),
                )
            ),
            _ORDER,
            "More fields of a `res.partner` that is made.",
            _JSON,
        ),
    },
    "sandbox_erp": {
        "settings": Payload(
            PayloadFields(own=(), only=("warehouse", "shipping_product", "fee_product")),
            ("order",),
            "The channel's `target` settings, chosen for this order.",
        ),
        "order": Payload(
            PayloadFields(
                own=(
                    *("external_key", "reference", "sale_date", "placed_at", "currency", "party", "invoice_address"),
                    *("shipment_address", "payment_method", "po_number", "note", "lines", "warehouse"),
                )
            ),
            _ORDER,
            "More fields of the sale.",
            _JSON,
        ),
        "lines": Payload(
            PayloadFields(own=("product", "origin", "description", "quantity", "amount", "tax")),
            _LINE,
            "More fields of a line, which `payload` is; `item` is the canonical line, null where there is none.",
            _JSON,
        ),
        "party": Payload(
            PayloadFields(own=("code", "name", "email", "phone", "vat_id")), _ORDER, "More fields of a party.", _JSON
        ),
    },
}

_META: Final = "meta_data"

SHOPS: Final[Mapping[str, Mapping[str, Payload]]] = {
    "woocommerce": {
        "fulfilment": Payload(
            PayloadFields(
                own=(
                    *("status", "is_fulfilled", "meta_data", "id"),
                    *("_items", "_tracking_number", "_tracking_url", "_shipment_provider"),
                ),
                prefix=_META,
            ),
            ("order", "shipment", "payload"),
            "A fulfilment: `notify_customer`, and more entries as `meta_data.<key>`.",
            _JSON,
        ),
        "shipment_note": Payload(
            PayloadFields(own=("note",)),
            ("order", "shipment", "payload"),
            "The note about a parcel: `customer_note`, `added_by_user`.",
            _JSON,
        ),
        "shipment_marks": Payload(
            PayloadFields(own=("meta_data", "status", "id", "line_items"), prefix=_META),
            ("order", "payload"),
            "The write that marks the order with its parcels: more entries as `meta_data.<key>`.",
            _JSON,
        ),
        "invoice_marks": Payload(
            PayloadFields(own=("meta_data", "status", "id", "line_items"), prefix=_META),
            ("order", "payload"),
            "The write that marks the order with its invoices: more entries as `meta_data.<key>`.",
            _JSON,
        ),
        "state": Payload(
            PayloadFields(own=("status", "meta_data", "id", "line_items"), prefix=_META),
            ("payload",),
            "The write that brings the order into another state: more entries as `meta_data.<key>`.",
            _JSON,
        ),
    },
}
