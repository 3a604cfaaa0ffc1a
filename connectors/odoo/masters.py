"""Small tables, read whole and believed for a while: company, currencies, taxes, countries, warehouses, journals ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from connectors.kit.base import JsonDict, Ref
from connectors.kit.cache import Aged
from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.options import OdooOptions

T = TypeVar("T")

#: Optional fields of sales and their lines, which modules bring.
_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "sale.order": ("carrier_id", "warehouse_id", "team_id"),
    "sale.order.line": ("is_delivery",),
}
#: What a name finds, besides the id.
_NAMED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "payment_term": ("account.payment.term", ("name",)),
    "carrier": ("delivery.carrier", ("name",)),
    "team": ("crm.team", ("name",)),
}
_TAX_FIELDS: Final = (
    *("name", "description", "amount", "amount_type", "price_include", "include_base_amount", "sequence"),
    *("country_id", "company_id"),
)


class Masters:
    """Master data of one company."""

    kinds: frozenset[str] = frozenset(
        {"company", "currency", "country", "subdivision", "tax", "warehouse", "payment_method", "account", *_NAMED}
    )

    def __init__(self, client: OdooClient, options: OdooOptions) -> None:
        self._client, self._options = client, options
        self._tables: Aged[str, Any] = Aged(options.cache_s)

    def forget(self) -> None:
        """Ask for everything again."""
        self._tables.forget()

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Each ref that is known. Raises Transient, ConnectionBroken."""
        found: dict[Ref, JsonDict] = {}
        for ref in refs:
            if (value := self._find(ref)) is not None:
                found[ref] = value
        return found

    def _find(self, ref: Ref) -> JsonDict | None:
        finders: Mapping[str, Callable[[], JsonDict | None]] = {
            "company": self.company,
            "currency": lambda: self.currencies().get(ref.value),
            "country": lambda: self.countries().get(ref.value),
            "subdivision": lambda: self.states().get(ref.value),
            "tax": lambda: self._tax(ref),
            "warehouse": lambda: self._warehouse(ref.value),
            "payment_method": lambda: _by_name(self.journals(), ref.value, ("code", "name")),
            "account": lambda: _by_name(self.expenses(), ref.value, ("code", "name"), codes=True),
        }
        if ref.kind in finders:
            return finders[ref.kind]()
        model, names = _NAMED[ref.kind]
        return self.named(model, names, ref.value)

    # -- the company -----------------------------------------------------------------------------------------

    def company(self) -> JsonDict:
        """The connection's company: id, name, currency (ISO), tax_rounding, price_digits, partner, optional fields."""
        return self._table("company", self._read_company)

    def _read_company(self) -> JsonDict:
        fields = ("name", "currency_id", "partner_id", "tax_calculation_rounding_method")
        if self._options.company:
            rows = self._client.search("res.company", [], fields)
            row = _by_name(rows, self._options.company, ("name",))
            if row is None:
                names = ", ".join(str(each["name"]) for each in rows)
                raise ConnectionBroken(
                    say(
                        "the key's user sees no company %(company)s; there are: %(names)s",
                        company=repr(self._options.company),
                        names=names,
                    ),
                    code="option",
                )
            self._client.in_company(row["id"])
        else:
            row = self._own_company(fields)
        return {
            "id": row["id"],
            "name": row["name"],
            "currency": row["currency_id"][1],
            "partner": row["partner_id"][0],
            "tax_rounding": row["tax_calculation_rounding_method"] or "round_per_line",
            "price_digits": self._price_digits(),
            "sale_fields": sorted(self.fields("sale.order") & set(_OPTIONAL["sale.order"])),
            "line_fields": sorted(self.fields("sale.order.line") & set(_OPTIONAL["sale.order.line"])),
        }

    def _own_company(self, fields: Sequence[str]) -> JsonDict:
        """That of the key's user."""
        told = self._client.read("res.users", "context_get")
        user = told.get("uid") if isinstance(told, dict) else None
        own = self._client.search("res.users", [["id", "=", user]], ("company_id",))
        company = own[0]["company_id"][0] if own and own[0]["company_id"] else 0
        rows = self._client.search("res.company", [["id", "=", company]], fields)
        if not rows:
            text = say("the key's user may not read its own company; name one in the option `company`")
            raise ConnectionBroken(text, code="option")
        return rows[0]

    def _price_digits(self) -> int:
        rows = self._client.search("decimal.precision", [["name", "=", "Product Price"]], ("digits",))
        return int(rows[0]["digits"]) if rows else 2

    def fields(self, model: str) -> frozenset[str]:
        """The names of a model's fields, as this version calls them."""

        def read() -> frozenset[str]:
            return frozenset(self._client.read(model, "fields_get", attributes=["type"]))

        return self._table(f"fields {model}", read)

    def readable(self, model: str) -> bool:
        """Whether the key's user may read it: what people pay is not everybody's to see."""

        def read() -> bool:
            try:
                self._client.find_ids(model, [], limit=1)
            except ConnectionBroken as broken:
                if broken.code != "access":
                    raise
                return False
            return True

        return self._table(f"readable {model}", read)

    def team(self) -> int | None:
        """The sales team whose sales are ours; None: all of the company's."""
        if not self._options.team:
            return None
        found = self.named("crm.team", ("name",), self._options.team)
        if found is None:
            text = say("there is no sales team %(team)s in Odoo", team=repr(self._options.team))
            raise ConnectionBroken(text, code="option")
        return int(found["id"])

    # -- tables ----------------------------------------------------------------------------------------------

    def currencies(self) -> dict[str, JsonDict]:
        """ISO code -> id, rounding, digits, and the first price list in it, by which a sale has that currency."""

        def read() -> dict[str, JsonDict]:
            lists: dict[int, int] = {}
            for row in self._client.search("product.pricelist", [], ("currency_id",), order="sequence, id"):
                lists.setdefault(row["currency_id"][0], row["id"])
            rows = self._client.search("res.currency", [], ("name", "rounding", "decimal_places"))
            return {
                row["name"]: {
                    "id": row["id"],
                    "rounding": Decimal(1).scaleb(-int(row["decimal_places"])),
                    "pricelist": lists.get(row["id"]),
                }
                for row in rows
            }

        return self._table("currencies", read)

    def countries(self) -> dict[str, JsonDict]:
        """ISO code -> id, name."""

        def read() -> dict[str, JsonDict]:
            rows = self._client.search("res.country", [], ("code", "name"))
            return {row["code"]: row for row in rows if row["code"]}

        return self._table("countries", read)

    def states(self) -> dict[str, JsonDict]:
        """`US-CA` -> id: Odoo's codes have no country in front."""

        def read() -> dict[str, JsonDict]:
            codes = {row["id"]: code for code, row in self.countries().items()}
            rows = self._client.search("res.country.state", [], ("code", "country_id"))
            return {f"{codes[row['country_id'][0]]}-{row['code']}": {"id": row["id"]} for row in rows}

        return self._table("states", read)

    def taxes(self) -> list[JsonDict]:
        """Taxes of sales: id, name, rate in percent, whether prices include it."""

        def read() -> list[JsonDict]:
            company = self.company()["id"]
            rows = self._client.search("account.tax", [["type_tax_use", "=", "sale"]], _TAX_FIELDS)
            return [_tax(row) for row in rows if not row["company_id"] or row["company_id"][0] == company]

        return self._table("taxes", read)

    def warehouses(self) -> list[JsonDict]:
        """Warehouses of the company."""

        def read() -> list[JsonDict]:
            domain = [["company_id", "=", self.company()["id"]]]
            fields = ("code", "name", "lot_stock_id", "in_type_id", "out_type_id")
            return self._client.search("stock.warehouse", domain, fields)

        return self._table("warehouses", read)

    def journals(self) -> list[JsonDict]:
        """Journals into which customers pay."""

        def read() -> list[JsonDict]:
            return self._client.search("account.journal", [["type", "in", ["bank", "cash"]]], ("code", "name"))

        return self._table("journals", read)

    def expenses(self) -> list[JsonDict]:
        """Accounts of expenses."""

        def read() -> list[JsonDict]:
            domain = [["account_type", "in", ["expense", "expense_direct_cost", "expense_depreciation"]]]
            return self._client.search("account.account", domain, ("code", "name"))

        return self._table("expenses", read)

    def units(self) -> dict[int, JsonDict]:
        """Id of a unit -> digits of its quantities."""

        def read() -> dict[int, JsonDict]:
            fields = ("name", *(("rounding",) if "rounding" in self.fields("uom.uom") else ()))
            rows = self._client.search("uom.uom", [], fields)
            return {row["id"]: {"digits": _digits(row.get("rounding"))} for row in rows}

        return self._table("units", read)

    def named(self, model: str, names: Sequence[str], value: str) -> JsonDict | None:
        """A record of a small table by id or one of its names."""
        rows = self._table(f"rows {model}", lambda: self._client.search(model, [], names))
        return _by_name(rows, value, names)

    # -- parts -----------------------------------------------------------------------------------------------

    def _tax(self, ref: Ref) -> JsonDict | None:
        """By id, name or description, else by rate; several of one rate are candidates, a person chooses by a row."""
        rows = self.taxes()
        if (named := _by_name(rows, ref.value, ("name", "description"))) is not None:
            return named
        rate = str(ref.hint.get("rate", ""))
        if not rate or ":" not in ref.value:
            return None
        wanted = Decimal(rate)
        found = [row for row in rows if row["type"] == "percent" and row["rate"] == wanted and not row["price_include"]]
        country = self.countries().get(str(ref.hint.get("country", "")), {}).get("id")
        there = [row for row in found if row["country"] == country]
        found = there or found
        if len(found) > 1:
            return {"id": None, "candidates": [{"id": row["id"], "name": row["name"]} for row in found]}
        return found[0] if found else None

    def _warehouse(self, value: str) -> JsonDict | None:
        rows = self.warehouses()
        return (rows[0] if rows else None) if not value else _by_name(rows, value, ("code", "name"))

    def _table(self, name: str, read: Callable[[], T]) -> T:
        known = self._tables.get_many([name])
        if name not in known:
            known = {name: read()}
            self._tables.put_many(known)
        found: T = known[name]
        return found


def _tax(row: JsonDict) -> JsonDict:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"] or "",
        "type": row["amount_type"],
        "rate": Decimal(str(row["amount"])),
        "price_include": bool(row["price_include"]),
        "update_unit_price": bool(row["include_base_amount"]),
        "sequence": row["sequence"],
        "country": row["country_id"][0] if row["country_id"] else None,
    }


def _digits(rounding: Any) -> int | None:
    if not rounding:
        return None
    exponent = Decimal(str(rounding)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else None


def _by_name(rows: Iterable[JsonDict], value: str, names: Sequence[str], *, codes: bool = False) -> JsonDict | None:
    """The row of this id, else the one row with this name; two of a name are none. `codes`: a number is no id."""
    listed = list(rows)
    if not codes and value.isascii() and value.isdecimal():
        for row in listed:
            if row["id"] == int(value):
                return row
    for name in names:
        found = [row for row in listed if value and row.get(name) == value]
        if len(found) == 1:
            return found[0]
    return None
