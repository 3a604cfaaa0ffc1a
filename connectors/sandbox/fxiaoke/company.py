"""The company's CRM: its objects and their fields, records as interfaces show them, approval, and what people do."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import TAX_PERCENT, Product, catalogue
from connectors.sandbox.ledger import Entry, Ledger

Json = dict[str, Any]
ORDER: Final = "SalesOrderObj"
LINE: Final = "SalesOrderProductObj"
ACCOUNT: Final = "AccountObj"
PRODUCT: Final = "ProductObj"
#: What of a record its writer does not decide.
_SYSTEM: Final = frozenset({"dataObjectApiName", "_id", "create_time", "last_modified_time", "version"})
#: Under approval, and so closed to changes.
_CLOSED: Final = frozenset({"under_review", "in_change"})


class Refused(Exception):
    """What an interface says no to: a code and the vendor's words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompanySettings:
    """Everything of a company that is set and not sold."""

    app_id: str = "FSAID_sandbox"
    app_secret: str = dataclasses.field(default="fxiaoke_secret", repr=False)
    permanent_code: str = dataclasses.field(default="fxiaoke_code", repr=False)
    employee: str = "1000"
    mobile: str = "13800000000"
    account: str = "fxsandbox"
    #: Calls of one interface in 20 seconds; calls a day.
    calls: int = 100
    day: int = 100_000
    #: Seconds that a token lives, and calls for one in a minute.
    token_life_s: int = 7200
    token_calls: int = 10
    #: Fields that nobody may give twice: (object, field).
    unique: frozenset[tuple[str, str]] = frozenset(
        {("shipment__c", "ext_id__c"), (ACCOUNT, "ext_id__c"), ("history__c", "ext_id__c")}
    )


#: Object -> its own fields, with their types.
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    ORDER: {
        "name": "auto_number",
        "account_id": "object_reference",
        "order_time": "date",
        "order_amount": "currency",
        "discount": "percentile",
        "life_status": "select_one",
        "lock_status": "select_one",
        "remark": "long_text",
        "erp_state__c": "text",
        "sale__c": "text",
        "shipments__c": "long_text",
        "invoices__c": "long_text",
        "ext_id__c": "text",
    },
    LINE: {
        "order_id": "master_detail",
        "product_id": "object_reference",
        "quantity": "number",
        "sales_price": "currency",
        "subtotal": "currency",
        "tax_rate__c": "percentile",
    },
    ACCOUNT: {
        "name": "text",
        "account_no": "auto_number",
        "tel": "phone_number",
        "email": "email",
        "address": "long_text",
        "tax_no__c": "text",
        "orders__c": "number",
        "bought__c": "currency",
        "last__c": "date",
        "open__c": "currency",
        "ext_id__c": "text",
    },
    PRODUCT: {"name": "text", "product_code": "text"},
    "shipment__c": {
        "ext_id__c": "text",
        "order_id__c": "object_reference",
        "tracking__c": "text",
        "carrier__c": "text",
        "content__c": "long_text",
    },
    "history__c": {
        "ext_id__c": "text",
        "account_id__c": "object_reference",
        "name": "text",
        "text__c": "long_text",
    },
}


class Company:
    """One company. Everything that changes it holds `lock`."""

    def __init__(self, settings: CompanySettings | None = None, *, ledger: Ledger | None = None) -> None:
        self.settings = settings or CompanySettings()
        self.ledger = Ledger() if ledger is None else ledger
        self.lock = threading.RLock()
        self.clock_offset_s = 0.0
        self.objects: dict[str, dict[str, Json]] = {name: {} for name in _FIELDS}
        self._numbers = itertools.count(1)
        self._products = catalogue(20)
        self._product_ids = {product.sku: self._sell_from_now_on(product) for product in self._products}
        self._customer = self.create(
            ACCOUNT,
            {
                "name": "上海茶行有限公司",
                "account_no": "C-1001",
                "tel": "021-55550000",
                "email": "info@tea.example",
                "address": "上海市黄浦区南京东路1号",
                "owner": ["1000"],
            },
        )

    def _sell_from_now_on(self, product: Product) -> str:
        return self.create(PRODUCT, {"name": product.name, "product_code": product.sku})

    def now_ms(self) -> int:
        """The company's clock."""
        return int((time.time() + self.clock_offset_s) * 1000)

    # -- what interfaces do ----------------------------------------------------------------------------------

    def table(self, name: str) -> dict[str, Json]:
        """The records of an object."""
        if name not in self.objects:
            raise Refused(15002, f"对象不存在: {name}")
        return self.objects[name]

    def create(self, name: str, given: Mapping[str, Any], details: Mapping[str, list[Json]] | None = None) -> str:
        """One more record, and those of its details; what is unique is refused the second time."""
        with self.lock:
            table, now = self.table(name), self.now_ms()
            self._demand_unique(name, given, "")
            number = next(self._numbers)
            record_id = f"{number:024x}"
            record: Json = {
                "_id": record_id,
                "record_type": "default__c",
                "life_status": "normal",
                "lock_status": "0",
                "owner": [self.settings.employee],
                **{field: _kept(value) for field, value in given.items() if field not in _SYSTEM},
                "create_time": now,
                "last_modified_time": now,
                "version": "1",
            }
            if name == ORDER:
                record.setdefault("name", f"{time.strftime('%Y%m%d', time.gmtime(now / 1000))}-{number:06d}")
            table[record_id] = record
            for child, rows in (details or {}).items():
                for row in rows:
                    self._add_line(child, record_id, row)
            self._note(f"{name}.create", record)
            return record_id

    def _add_line(self, name: str, order_id: str, row: Json) -> None:
        quantity, price = Decimal(str(row["quantity"])), Decimal(str(row["sales_price"]))
        product = self.objects[PRODUCT].get(str(row.get("product_id")))
        named = {"product_id__r": product["name"]} if product else {}
        self.create(name, {"subtotal": f"{quantity * price:f}", **row, **named, "order_id": order_id})

    def update(self, name: str, given: Mapping[str, Any]) -> None:
        """Some fields of a record; refused while it is under approval or locked."""
        with self.lock:
            record = self.table(name).get(str(given.get("_id")))
            if record is None:
                raise Refused(15002, "数据不存在或已删除")
            if record["life_status"] in _CLOSED or record["lock_status"] == "1":
                raise Refused(32000, "数据审批中或已锁定，不允许编辑")
            self._demand_unique(name, given, record["_id"])
            self.change(name, record["_id"], **{key: value for key, value in given.items() if key not in _SYSTEM})

    def change(self, name: str, record_id: str, **values: Any) -> None:
        """What a person of the company does; None empties a field."""
        with self.lock:
            record = self.table(name)[record_id]
            for field, value in values.items():
                if value is None:
                    record.pop(field, None)
                else:
                    record[field] = _kept(value)
            record["last_modified_time"] = max(self.now_ms(), record["last_modified_time"])
            record["version"] = str(int(record["version"]) + 1)
            self._note(f"{name}.update", record)

    def describe(self, name: str) -> Json:
        """The fields of an object, and which of them nobody may give twice."""
        if name not in _FIELDS:
            raise Refused(15002, f"对象不存在: {name}")
        return {
            field: {"api_name": field, "type": kind, "is_unique": (name, field) in self.settings.unique}
            for field, kind in _FIELDS[name].items()
        }

    def _demand_unique(self, name: str, given: Mapping[str, Any], but: str) -> None:
        for owner, field in self.settings.unique:
            taken = owner == name and given.get(field)
            if taken and any(row.get(field) == given[field] and row["_id"] != but for row in self.table(name).values()):
                raise Refused(32000, f"唯一性校验失败: {field} 已存在")

    def _note(self, kind: str, record: Json) -> None:
        self.ledger.append(Entry(kind=kind, key=str(record.get("ext_id__c", "")), external_id=record["_id"]))

    # -- what people do --------------------------------------------------------------------------------------

    def sell(self, lines: list[tuple[str, int]] | None = None, **fields: Any) -> str:
        """A salesman enters an order that needs nobody's approval: pieces of articles; its id."""
        bought = lines or [(self._products[0].sku, 2)]
        prices = {product.sku: product.gross_price for product in self._products}
        taxes = {product.sku: f"{TAX_PERCENT[product.tax_class]:f}" for product in self._products}
        rows = [
            {
                "product_id": self._product_ids[sku],
                "quantity": str(quantity),
                "sales_price": f"{prices[sku]:f}",
                "product_price": f"{prices[sku]:f}",
                "tax_rate__c": taxes[sku],
            }
            for sku, quantity in bought
        ]
        total = sum((prices[sku] * quantity for sku, quantity in bought), Decimal(0))
        today = self.now_ms() // 86_400_000 * 86_400_000
        order = {
            "account_id": self._customer,
            "account_id__r": "上海茶行有限公司",
            "order_time": today,
            "order_amount": f"{total:f}",
            "discount": "100",
            "ship_to_add": "浙江省杭州市西湖区龙井路1号",
            "ship_to_tel": "13900000000",
            **fields,
        }
        return self.create(ORDER, order, {LINE: rows})

    def sell_some(self, count: int) -> list[str]:
        """Orders no two of which are alike: other articles, other quantities."""
        skus = [product.sku for product in self._products if not product.virtual]
        return [
            self.sell([(skus[number % len(skus)], number // len(skus) + 1), (skus[(number + 1) % len(skus)], 2)])
            for number in range(count)
        ]

    def void(self, order_id: str) -> None:
        """作废: it is kept, and counts no more."""
        self.change(ORDER, order_id, life_status="invalid")

    def delete(self, order_id: str) -> None:
        """Gone for good, with its lines."""
        with self.lock:
            del self.objects[ORDER][order_id]
            self.objects[LINE] = {key: row for key, row in self.objects[LINE].items() if row["order_id"] != order_id}

    def submit(self, order_id: str) -> None:
        """A change goes to somebody's approval."""
        self.change(ORDER, order_id, life_status="in_change", lock_status="1")

    def approve(self, order_id: str) -> None:
        """The approval ends."""
        self.change(ORDER, order_id, life_status="normal", lock_status="0")


def _kept(value: Any) -> Any:
    """Numbers are shown as texts; times are whole numbers, and stay them."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, float) else value
