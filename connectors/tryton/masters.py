"""Company, web shop, currencies, countries, taxes, terms, carriers and warehouses: small tables, read whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.base import JsonDict, Ref
from connectors.kit.cache import Aged
from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.options import TrytonOptions

Rows = list[JsonDict]

#: A table in which something was missed is read again when it is older than this, in seconds: whoever adds what an
#: order waited for must not wait for the cache.
_MISS_AGE_S: Final = 60.0

#: Fields that only some modules bring, and that are written and read where they are there.
_OPTIONAL_FIELDS: Final = {
    "sale.sale": ("carrier", "shipment_cost_method"),
    "sale.line": ("base_price",),
    "stock.shipment.out": ("carrier", "shipping_reference", "root_packages"),
    "stock.shipment.out.return": ("carrier", "shipping_reference", "root_packages"),
    "stock.package": ("shipping_reference",),
}
#: The table of those that are there; not a kind of reference.
_FIELDS: Final = "optional field"
_TAX_FIELDS: Final = (
    *("name", "description", "type", "rate", "amount", "sequence", "update_unit_price", "parent"),
    *("start_date", "end_date", "group.kind"),
)


class Masters:
    """The connection's own company and shop, and the tables around them."""

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._client = client
        self._options = options
        self._tables: Aged[str, Rows] = Aged(options.cache_s)
        self._loaders: Mapping[str, Callable[[], Rows]] = {
            "company": self._load_companies,
            "web_shop": self._load_shops,
            "currency": lambda: self._load("currency.currency", ("code", "digits", "rounding")),
            "country": lambda: self._load("country.country", ("code", "name")),
            "tax": self._load_taxes,
            "payment_term": self._load_terms,
            "carrier": lambda: self._load("carrier", ("rec_name", "party.name")),
            "warehouse": lambda: self._load("stock.location", ("code", "name"), [["type", "=", "warehouse"]]),
            "payment_method": self._load_payment_methods,
            "account": self._load_expense_accounts,
            _FIELDS: self._load_fields,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of reference that are resolved here."""
        return frozenset(self._loaders) - {_FIELDS}

    def has(self, model: str, field: str) -> bool:
        """Whether a field that only some modules bring is there."""
        return any(row["model"] == model and row["name"] == field for row in self._table(_FIELDS))

    def warehouses(self) -> Rows:
        """Every warehouse that the key's user sees."""
        return self._table("warehouse")

    def today(self) -> dt.date:
        """The calendar day in the company's zone, by which the server dates and counts; UTC where it has none."""
        zone = self.company()["timezone"]
        try:
            return dt.datetime.now(ZoneInfo(zone) if zone else dt.UTC).date()
        except (ZoneInfoNotFoundError, ValueError):
            return dt.datetime.now(dt.UTC).date()

    def company(self) -> JsonDict:
        """The connection's company. Raises ConnectionBroken when it cannot be told."""
        return self._own("company", self._options.company)

    def web_shop(self) -> JsonDict:
        """The connection's web shop. Raises ConnectionBroken when it cannot be told."""
        return self._own("web_shop", self._options.web_shop)

    def context(self) -> JsonDict:
        """The context in which prices, taxes and settings of the company show."""
        return {"company": self.company()["id"]}

    def customer_taxes(self, today: dt.date) -> Rows:
        """The taxes that sales of that day may carry."""
        return [tax for tax in self._table("tax") if _sells(tax, today)]

    def forget(self) -> None:
        """Read every table again."""
        self._tables.forget()

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Values of those refs that are known; for one that is not, its table is read again unless it is quite new."""
        wanted = list(refs)
        found = self._found(wanted)
        missing = {ref.kind for ref in wanted if ref not in found or found[ref]["id"] is None}
        outdated = missing - self._tables.get_many(missing, _MISS_AGE_S).keys()
        if outdated:
            self._tables.forget(outdated)
            found = self._found(wanted)
        return found

    def _found(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        values = ((ref, self._find(ref)) for ref in refs)
        return {ref: value for ref, value in values if value is not None}

    def _find(self, ref: Ref) -> JsonDict | None:
        if ref.kind == "company" and not ref.value:
            return self.company()
        if ref.kind == "web_shop" and not ref.value:
            return self.web_shop()
        rows = self._table(ref.kind)
        if ref.kind == "tax":
            return find_tax(rows, ref, dt.datetime.now(dt.UTC).date())
        if not ref.value:
            return self._default(ref.kind, rows)
        return _by_id_or_name(rows, ref.value)

    def _default(self, kind: str, rows: Rows) -> JsonDict | None:
        """What an empty value means: the company's payment term, the shop's first warehouse, else the only one."""
        if kind == "payment_term":
            return next((row for row in rows if row["default"]), None)
        if kind == "warehouse":
            first = next(iter(self.web_shop()["warehouses"]), None)
            if first is not None:
                return next((row for row in rows if row["id"] == first), None)
        return rows[0] if len(rows) == 1 else None

    def _own(self, option: str, named: str) -> JsonDict:
        rows = self._table(option)
        found = _by_id_or_name(rows, named) if named else rows[0] if len(rows) == 1 else None
        if found is None:
            names = ", ".join(f"{row['id']} ({row['name']})" for row in rows) or "none"
            raise ConnectionBroken(
                say(
                    "option `%(option)s` must name one of those that the key's user sees: %(names)s",
                    option=option,
                    names=names,
                )
            )
        return found

    def _table(self, kind: str) -> Rows:
        rows = self._tables.get_many([kind]).get(kind)
        if rows is None:
            rows = self._loaders[kind]()
            self._tables.put_many({kind: rows})
        return rows

    def _load(self, model: str, fields: tuple[str, ...], domain: Iterable[Any] = ()) -> Rows:
        return self._client.search(model, list(domain), fields)

    def _load_companies(self) -> Rows:
        rows = self._client.search("company.company", [], ("party.name", "currency.code", "timezone"))
        features = self._optional_fields()
        return [
            {
                "id": row["id"],
                "name": row["party"]["name"],
                "currency": row["currency"]["code"],
                "timezone": row.get("timezone"),
                **features,
                **self._settings(row["id"]),
            }
            for row in rows
        ]

    def _settings(self, company: int) -> JsonDict:
        """How the company rounds tax, and its usual payment term; where it may not be read, the server's default."""
        fields = ("tax_rounding", "default_customer_payment_term")
        rows = self._client.search("account.configuration", [], fields, context={"company": company})
        row = rows[0] if rows else {}
        return {
            "tax_rounding": row.get("tax_rounding") or "document",
            "payment_term": row.get("default_customer_payment_term"),
        }

    def _optional_fields(self) -> JsonDict:
        return {
            name: [field for field in sorted(_OPTIONAL_FIELDS[model]) if self.has(model, field)]
            for name, model in (("sale_fields", "sale.sale"), ("line_fields", "sale.line"))
        }

    def _load_fields(self) -> Rows:
        clauses = [[["model", "=", model], ["name", "in", list(names)]] for model, names in _OPTIONAL_FIELDS.items()]
        return self._client.search("ir.model.field", ["OR", *clauses], ("name", "model"))

    def _load_payment_methods(self) -> Rows:
        domain = [["company", "=", self.company()["id"]]]
        return self._client.search("account.invoice.payment.method", domain, ("name",), context=self.context())

    def _load_expense_accounts(self) -> Rows:
        """Those on which a move may stand that names nobody: of the kind expense, open, without a party."""
        domain = [["company", "=", self.company()["id"]], ["closed", "!=", True], ["type.expense", "=", True]]
        return self._load("account.account", ("code", "name"), [*domain, ["party_required", "!=", True]])

    def _load_shops(self) -> Rows:
        domain = [["company", "=", self.company()["id"]]]
        return self._load("web.shop", ("name", "warehouses"), domain)

    def _load_terms(self) -> Rows:
        default = self.company()["payment_term"]
        rows = self._load("account.invoice.payment_term", ("name",))
        return [{**row, "default": row["id"] == default} for row in rows]

    def _load_taxes(self) -> Rows:
        domain = [["company", "=", self.company()["id"]]]
        rows = self._client.search("account.tax", domain, _TAX_FIELDS, context=self.context())
        return tax_trees(rows)


def tax_trees(rows: Iterable[JsonDict]) -> Rows:
    """Taxes for customers, each with its `childs`; rates in percent."""
    values: dict[int, JsonDict] = {}
    parents: dict[int, int | None] = {}
    for row in rows:
        parents[row["id"]] = row.get("parent")
        values[row["id"]] = {
            "id": row["id"],
            "name": row["name"],
            "description": row.get("description") or "",
            "type": row["type"],
            "rate": None if row.get("rate") is None else row["rate"] * 100,
            "amount": row.get("amount"),
            "sequence": row.get("sequence"),
            "update_unit_price": bool(row.get("update_unit_price")),
            "start_date": row.get("start_date"),
            "end_date": row.get("end_date"),
            "kind": (row.get("group") or {}).get("kind"),
            "childs": [],
        }
    for number, parent in parents.items():
        if parent in values:
            values[parent]["childs"].append(values[number])
    return [value for number, value in values.items() if parents[number] not in values]


def find_tax(taxes: Iterable[JsonDict], ref: Ref, today: dt.date) -> JsonDict | None:
    """A tax by id, by name or description, else (for `<country>:<rate>`) by the rate in the ref's hint.

    Several taxes of one rate are no answer: `{"id": None, "candidates": [...]}`.
    """
    usable = [tax for tax in taxes if _sells(tax, today)]
    if (named := _by_id_or_name(usable, ref.value)) is not None:
        return named
    described = [tax for tax in usable if tax["description"].casefold() == ref.value.casefold()]
    rate = str(ref.hint.get("rate", ""))
    # Only where no look-up row has named a tax: a name that is not there must not end at some other tax.
    if not described and rate and ref.value == f"{ref.hint.get('country', '')}:{rate}":
        plain = [tax for tax in usable if tax["type"] == "percentage" and not tax["childs"]]
        described = [tax for tax in plain if tax["rate"] == Decimal(rate)]
    if len(described) > 1:
        return {"id": None, "candidates": [{"id": tax["id"], "name": tax["name"]} for tax in described]}
    return described[0] if described else None


def _sells(tax: JsonDict, today: dt.date) -> bool:
    in_force = (tax["start_date"] or dt.date.min) <= today <= (tax["end_date"] or dt.date.max)
    return in_force and tax["kind"] in {None, "sale", "both"}


def _by_id_or_name(rows: Iterable[JsonDict], value: str) -> JsonDict | None:
    """The row that `value` names: by code, by id, or by name when only one row has it."""
    rows = list(rows)
    for row in rows:
        if row.get("code") == value or (value.isascii() and value.isdigit() and row["id"] == int(value)):
            return row
    wanted = value.casefold()
    named = [row for row in rows if wanted in {name.casefold() for name in _names(row)}]
    return named[0] if len(named) == 1 else None


def _names(row: JsonDict) -> list[str]:
    party = row.get("party")
    names = [row.get("name"), row.get("rec_name"), party.get("name") if isinstance(party, dict) else None]
    return [name for name in names if name]
