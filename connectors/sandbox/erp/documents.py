"""What the sandbox ERP keeps, and how it reads what callers send: strict, each refusal with the field it is about."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

JsonDict = dict[str, Any]

DRAFT: Final = "draft"
QUOTED: Final = "quoted"
CONFIRMED: Final = "confirmed"
CANCELLED: Final = "cancelled"
#: The way up, in order; `cancelled` is reached from each of them.
STATES: Final = (DRAFT, QUOTED, CONFIRMED)

#: What a product is: goods lie in a warehouse and are sent, services are neither.
GOODS: Final = "goods"
SERVICE: Final = "service"

#: The ERP's own unit of the currencies that it knows to be unusual; all others have two decimals.
CURRENCY_DIGITS: Final[Mapping[str, int]] = {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3, "KWD": 3, "TND": 3}

_MAX_TEXT: Final = 4_000
_AMOUNT_LIMIT: Final = Decimal("1e12")


class Refused(Exception):
    """The ERP does not do what it was asked for; nothing of it was kept."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        """`code` is stable and meant for machines; `field` is a path like `lines[2].quantity`."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field

    def at(self, prefix: str) -> Refused:
        """The same refusal with its field inside something larger."""
        return Refused(self.status, self.code, str(self), f"{prefix}{self.field}")

    def to_json(self) -> JsonDict:
        """The body of the refusal."""
        return {"code": self.code, "message": str(self), "field": self.field}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of the ERP; `list_price` is net, as text; `taxes` are `{"id", "rate"}` with the rate in percent.

    `opening` pieces lie in the first warehouse on the day on which the ERP is set up.
    """

    id: int
    code: str
    name: str
    list_price: str | None
    unit_digits: int = 0
    salable: bool = True
    taxes: tuple[JsonDict, ...] = ()
    type: str = GOODS
    opening: str = "0"

    def to_json(self) -> JsonDict:
        """What is shown of it; how much there is, the stock says."""
        names = ("id", "code", "name", "list_price", "unit_digits", "salable", "taxes", "type")
        return {name: getattr(self, name) for name in names}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A customer; `code` is the caller's match key."""

    id: int
    code: str
    name: str
    email: str = ""
    phone: str = ""
    vat_id: str = ""

    def marks(self) -> list[tuple[str, str]]:
        """By what it is found."""
        return [folded_mark(name, value) for name in MARKS if (value := str(getattr(self, name)))]


#: By what a party is found, beside its id.
MARKS: Final = ("code", "email", "vat_id")


def folded_mark(name: str, value: str) -> tuple[str, str]:
    """As it is compared: a code is what it is."""
    if name == "email":
        return name, value.strip().casefold()
    return name, "".join(sign for sign in value.upper() if sign.isalnum()) if name == "vat_id" else value


@dataclasses.dataclass(slots=True, kw_only=True)
class Sale:
    """A sale, or the refund of one (`origin`), whose quantities and amounts are negative."""

    id: int
    shop: str
    external_key: str
    currency: str
    sale_date: str
    #: ISO-8601 in UTC.
    placed_at: str
    #: Sums of the lines' amounts and taxes, each line rounded to the currency; decimal text.
    untaxed: str
    tax: str
    total: str
    #: The rest of what was sent: party, reference, addresses, lines ...
    details: JsonDict
    created_at: str
    updated_at: str
    #: Code of the warehouse that sends the goods, or takes them back.
    warehouse: str = ""
    #: The sale that this refunds; None for a sale.
    origin: int | None = None
    state: str = DRAFT
    #: Given by the quote.
    number: str = ""
    #: Ids. One invoice for each confirmation that took effect: more than one is a doubled effect.
    invoices: list[int] = dataclasses.field(default_factory=list)
    shipments: list[int] = dataclasses.field(default_factory=list)
    refunds: list[int] = dataclasses.field(default_factory=list)
    #: Number of the newest change of the sale or of what hangs on it; a refund's changes count for its sale.
    change: int = 0

    @property
    def kind(self) -> str:
        """`sale` or `refund`: how the ledger calls it."""
        return "sale" if self.origin is None else "refund"

    @property
    def lines(self) -> list[JsonDict]:
        """The lines as they were sent."""
        found: list[JsonDict] = self.details["lines"]
        return found

    def summary(self) -> JsonDict:
        """The cheap line of a list."""
        names = ("id", "shop", "external_key", "number", "state", "currency", "total", "sale_date", "placed_at")
        reference = {"reference": self.details.get("reference") or ""}
        return {name: getattr(self, name) for name in names} | reference | {"updated_at": self.updated_at}

    def stored(self) -> JsonDict:
        """The fields as they are now, to rebuild the sale from; later changes do not show in it."""
        lists = {"invoices": list(self.invoices), "shipments": list(self.shipments), "refunds": list(self.refunds)}
        return {name: getattr(self, name) for name in self.__slots__} | lists

    def to_json(self) -> JsonDict:
        """The whole sale; of what hangs on it the ids."""
        names = ("untaxed", "tax", "invoices", "shipments", "refunds", "created_at", "warehouse", "change")
        return self.details | self.summary() | {name: getattr(self, name) for name in names}


def text(payload: JsonDict, name: str, *, required: bool = False, path: str = "") -> str:
    """A text field; absent and null mean empty."""
    value = payload.get(name)
    if value is None:
        value = ""
    where = path or name
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise Refused(422, "invalid", f"{where} must be a text of at most {_MAX_TEXT} characters", where)
    if required and not value:
        raise Refused(422, "required", f"{where} is required", where)
    return value


def decimal(payload: JsonDict, name: str, path: str) -> Decimal:
    """An exact number sent as text; a JSON number may already have lost its cents on the way."""
    value = payload.get(name)
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _AMOUNT_LIMIT:
        raise Refused(422, "invalid", f"{path} must be a decimal number as text", path)
    return number


def day(payload: JsonDict, name: str) -> str:
    """A calendar day as ISO-8601."""
    try:
        return dt.date.fromisoformat(text(payload, name, required=True)).isoformat()
    except ValueError:
        raise Refused(422, "invalid", f"{name} must be a day like 2026-11-20", name) from None


def moment(value: str, name: str) -> str:
    """A point in time with its offset, as ISO-8601 in UTC: such texts sort as the times do."""
    try:
        parsed = dt.datetime.fromisoformat(value)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise Refused(422, "invalid", f"{name} must be a time with an offset like 2026-11-20T10:00:00+00:00", name)
    return parsed.astimezone(dt.UTC).isoformat(timespec="microseconds")


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Half up to `digits` decimals, as this ERP rounds."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
