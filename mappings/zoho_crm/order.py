"""The order itself: one pure function that reads top to bottom."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.fields import Nested
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Address, Customer, Order, OrderState, PaymentState, Totals
from mappings.canonical.totals import Stated, last_decimal, prove
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.zoho_crm import meaning, schema
from mappings.zoho_crm.meaning import DEALS, QUOTES, SALES_ORDERS
from mappings.zoho_crm.parts import Parts, deal_line, plain_money, read_parts

_Data = Mapping[str, Any]

_SHAPES: Final = {SALES_ORDERS: schema.SALES_ORDER, QUOTES: schema.QUOTE, DEALS: schema.DEAL}
_ADDRESS: Final = ("street", "city", "region", "postal_code", "country")
#: By what only its records have -> the module.
_MARKS: Final = {"Ordered_Items": SALES_ORDERS, "Quoted_Items": QUOTES, "Deal_Name": DEALS}
_TOTALS: Final = {SALES_ORDERS: "Grand_Total", QUOTES: "Grand_Total", DEALS: "Amount"}
#: What is a record and no order, by what only it has.
_NO_ORDERS: Final = {
    "Invoiced_Items": say("an invoice"),
    "Purchase_Items": say("a purchase order"),
    "Product_Code": say("a product"),
    "Mailing_Street": say("a contact"),
    "Last_Name": say("a person"),
    "Account_Type": say("an account"),
}


def order_from_zoho_crm(payload: JsonDict, options: SourceOptions) -> Order:
    """The canonical order of a record of Sales_Orders, of Quotes or of Deals, as the connector reads it.

    Prices are without tax. `version` is `Modified_Time` in UTC; `placed_on` the day of `Created_Time` in the
    organisation's zone, else in the zone in which it is written. Raises Problems with everything that is wrong.
    """
    module = module_of(payload)
    data, problems = load_strictly(_SHAPES[module], payload)
    if module == DEALS:
        problems += _read_deal_lines(data, payload)
    if not problems:
        problems = _missing(module, data)
    state, told = _state(module, data, options)
    addresses, unknown = _addresses(data, options) if not problems else ({}, [])
    if problems := [*problems, *told, *unknown]:
        raise Problems(problems)
    assert state is not None
    data["created_on"] = dt.datetime.fromisoformat(payload["Created_Time"]).date()
    return _order(module, data, state, addresses, options)


class _DealLines(schema.Shape):
    """The list of lines under its own name."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    lines = Nested(schema.LineShape, many=True, required=True)

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:  # noqa: ARG002 - the library's own
        """There is only one."""
        field_obj.data_key = self._name


def module_of(payload: JsonDict) -> str:
    """Which kind of record it is. Raises MappingError with one plain reason for what is no order."""
    around = payload.get(schema.AROUND)
    told = around.get("module") if isinstance(around, dict) else None
    if told in _SHAPES:
        return str(told)
    found = next((module for mark, module in _MARKS.items() if mark in payload), None)
    if found is not None and (found != DEALS or isinstance(payload["Deal_Name"], str)):
        return found
    if payload.keys() == {"data"}:
        raise MappingError("", say("the answer to a call with its records in data, expected one record"))
    if payload.get("status") == "error":
        raise MappingError("", say("an error of the CRM, not an order"))
    if mark := next((what for name, what in _NO_ORDERS.items() if name in payload), None):
        raise MappingError("", say("%(what)s, expected a sales order, a quote or a deal", what=mark))
    raise MappingError("", say("none of the lists of lines, expected a sales order, a quote or a deal of Zoho CRM"))


def _read_deal_lines(data: dict[str, Any], payload: JsonDict) -> list[Problem]:
    """The lines that a deal has in a list of its organisation's own."""
    name = data["around"]["lines"] if "around" in data else ""
    rows = payload.get(name) if name else None
    data["lines"] = []
    if not rows:
        return []
    read, problems = load_strictly(_DealLines(name), {name: rows})
    data["lines"] = read.get("lines", [])
    return problems


def _missing(module: str, data: dict[str, Any]) -> list[Problem]:
    """What no single field can say; the lines of a deal are read here."""
    problems = []
    if not (data["currency"] or data["around"]["organisation"]["currency"]):
        reason = say("is missing, and the organisation's own currency is not known")
        step = say("set the option `currency` of the connection, or let its user read the organisation")
        problems.append(Problem(cause="mapping", path="Currency", reason=reason, next_step=step))
    if module != DEALS:
        if not data["lines"]:
            name = meaning.LINES[module]
            problems.append(Problem(cause="mapping", path=name, reason=say("found no lines, expected one at least")))
        return problems
    around = data["around"]
    if not data["lines"] and not around["article"]:
        reason = say("the deal has no lines and nobody has said which article its amount is for")
        step = say("name the list of lines (`deal_lines`) or the article (`deal_article`) in the connection's options")
        problems.append(Problem(cause="mapping", path=around["lines"], reason=reason, next_step=step))
    return problems


def _state(module: str, data: _Data, options: SourceOptions) -> tuple[OrderState | None, list[Problem]]:
    """Told beside everything else that is wrong."""
    if not {"state", "around", "approval"} <= data.keys():
        return None, []
    accepted = data["around"].get("accepted", False)
    if data["around"].get("made_of"):
        # Of its quote or deal there is an order already, or will be.
        return OrderState.DRAFT, []
    try:
        return (
            meaning.order_state(
                module, data["state"], data["approval"], accepted=accepted, custom=options.order_states
            ),
            [],
        )
    except MappingError as error:
        return None, list(error.problems)


def _addresses(data: _Data, options: SourceOptions) -> tuple[dict[str, Address], list[Problem]]:
    found, problems = {}, []
    for kind in ("billing", "shipping"):
        where, path = _where(data, kind)
        code, unknown = meaning.country(where.get("country", ""), f"{path}_Country", options.lookup)
        problems += unknown
        found[kind] = _address(data, where, code)
    return found, problems


def _where(data: _Data, kind: str) -> tuple[Mapping[str, str], str]:
    """Where the record itself says, else where its account is, else its contact; and how its fields begin.

    A deal has no address of its own.
    """
    around, title = data["around"], kind.capitalize()
    own = {part: data.get(f"{kind}_{part}", "") for part in _ADDRESS}
    account = (around["account"] or {}).get(kind) or {}
    contact = (around["contact"] or {}).get("mailing") or {}
    if any(own.values()):
        return own, title
    if any(account.values()):
        return account, f"Account_Name.{title}"
    # What stands at the account is the company's; its people may live elsewhere.
    return ({}, title) if kind == "shipping" else (contact, "Contact_Name.Mailing")


def _address(data: _Data, where: Mapping[str, str], code: str) -> Address:
    """The street's lines: the first, and all others."""
    if not any(where.values()):
        return Address()
    first, _, more = where["street"].replace("\r\n", "\n").strip().partition("\n")
    contact, account = data["around"]["contact"] or {}, _account(data)
    return Address(
        first_name=contact.get("first_name", ""),
        last_name=contact.get("last_name", "") or _named(data, "contact"),
        company=account.get("name", ""),
        street=first,
        street_2=", ".join(filter(None, (line.strip() for line in more.split("\n")))),
        country=code,
        phone=contact.get("phone", ""),
        email=contact.get("email", ""),
        **{part: where[part] for part in ("city", "region", "postal_code")},
    )


def _account(data: _Data) -> _Data:
    known: _Data = data["around"]["account"] or {}
    return {**known, "name": known.get("name") or _named(data, "account")}


def _named(data: _Data, lookup: str) -> str:
    return str((data[lookup] or {}).get("name", ""))


def _order(
    module: str, data: _Data, state: OrderState, addresses: Mapping[str, Address], options: SourceOptions
) -> Order:
    around = data["around"]
    currency = data["currency"] or around["organisation"]["currency"]
    parts = _parts(data, currency)
    grand = plain_money(data["grand"], currency)
    unit = last_decimal(data["grand"], currency, as_text=False)
    totals = _proven(parts, grand, options.totals_threshold * unit, _TOTALS[module])
    billing, shipping = addresses["billing"], addresses["shipping"]
    taxes = [tax for line in parts.lines for tax in line.tax_lines]
    return Order(
        number=data["number"] or data["id"],
        external_id=data["id"],
        version=data["updated_at"].replace(tzinfo=None).isoformat(timespec="seconds"),
        placed_at=data["created_at"],
        placed_on=_placed_on(data),
        updated_at=data["updated_at"],
        currency=currency,
        state=state,
        source_state=_source_state(data),
        payment_state=PaymentState.UNPAID,
        fulfilment_state=meaning.fulfilment_state(state),
        customer=_customer(data),
        billing=billing,
        shipping=shipping if shipping.street or shipping.city or shipping.country else billing,
        lines=parts.lines,
        shipping_lines=(),
        fees=parts.fees,
        tax_lines=tuple(_summed(taxes)),
        coupons=(),
        payments=(),
        refunds=(),
        totals=totals,
        tax_included=False,
        note=data["description"],
        po_number=data.get("po_number", ""),
        attributes=_attributes(module, data),
    )


def _source_state(data: _Data) -> str:
    """The CRM's word; why it is no order where its quote or deal is one."""
    word, origin = str(data["state"]), data["around"]["made_of"]
    return f"{word} (made of {origin}, which are orders)" if origin else word


def _parts(data: _Data, currency: str) -> Parts:
    """A deal has an amount, so that its lines have no discount or tax of the whole beside them."""
    if "discount" in data:
        return read_parts(data, currency, data["around"]["codes"])
    if not data["lines"]:
        return Parts((deal_line(data, currency),), ())
    nothing = {"discount": None, "taxes": (), "tax": Decimal(0), "adjustment": Decimal(0)}
    return read_parts({**data, **nothing}, currency, data["around"]["codes"])


def _proven(parts: Parts, grand: Money, tolerance: Decimal, path: str) -> Totals:
    """Raises MappingError: the totals mismatch."""
    currency = grand.currency
    discount = money_sum((line.subtotal - line.total for line in parts.lines), currency)
    tax = money_sum((line.tax for line in parts.lines), currency)
    stated = Stated(discount=discount, tax=tax, grand=grand)
    return prove(parts.lines, (), parts.fees, stated, tolerance=tolerance, path=path)


def _summed(taxes: list[Any]) -> list[Any]:
    """One line for each tax."""
    found: dict[str, Any] = {}
    for tax in taxes:
        known = found.get(tax.code)
        found[tax.code] = tax if known is None else dataclasses.replace(known, amount=known.amount + tax.amount)
    return list(found.values())


def _placed_on(data: _Data) -> dt.date:
    try:
        zone = ZoneInfo(data["around"]["organisation"]["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        day: dt.date = data["created_on"]
        return day
    placed: dt.datetime = data["created_at"]
    return placed.astimezone(zone).date()


def _customer(data: _Data) -> Customer:
    """The company, with the person who buys for it; a person without one is a customer too."""
    contact, account = data["around"]["contact"] or {}, _account(data)
    account_id = (data["account"] or {}).get("id", "") or account.get("id", "")
    contact_id = (data["contact"] or {}).get("id", "")
    return Customer(
        external_id=account_id or contact_id,
        guest=not (account_id or contact_id),
        first_name=contact.get("first_name", ""),
        last_name=contact.get("last_name", "") or _named(data, "contact"),
        company=account["name"],
        vat_id=account.get("vat_id", ""),
        email=contact.get("email", ""),
        phone=contact.get("phone", "") or account.get("phone", ""),
    )


def _attributes(module: str, data: _Data) -> dict[str, Any]:
    """What has no field of its own, without what is empty."""
    found = {
        "module": module,
        "subject": data.get("subject", ""),
        "account_id": (data["account"] or {}).get("id", ""),
        "contact_id": (data["contact"] or {}).get("id", ""),
        "deal_id": (data.get("deal") or {}).get("id", ""),
        "quote_id": (data.get("quote") or {}).get("id", ""),
        "carrier": data.get("carrier", ""),
        "terms": data.get("terms", ""),
    }
    return {name: value for name, value in found.items() if value}
