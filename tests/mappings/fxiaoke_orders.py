"""An order of Fxiaoke for tests: small, complete, changed where a test wants it different."""

from __future__ import annotations

from typing import Any

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.fxiaoke import order_from_fxiaoke

ORDER_ID = "5f3a3de57c604a00017dc001"
ACCOUNT_ID = "5f3a3de57c604a00017dc5ee"
PRODUCTS = ("5eddcb5124c81d0001a4b0fd", "5eddcb5124c81d0001a4b0fe")
#: 2025-09-11 00:00 UTC, 08:00 in Shanghai.
MOMENT = 1757548800000
SETTINGS = {"currency": "CNY", "zone": "Asia/Shanghai", "country": "CN", "sku_field": "product_code"}


def line(**changes: Any) -> dict[str, Any]:
    """Two at 50.005, which is 100.01 with its tax."""
    record = {
        "_id": "6f3a3de57c604a00017dc101",
        "order_id": ORDER_ID,
        "product_id": PRODUCTS[0],
        "product_id__r": "西湖龙井",
        "quantity": "2",
        "product_price": "60.00",
        "sales_price": "50.005",
        "subtotal": "100.01",
        "last_modified_time": MOMENT + 5,
    }
    return {name: value for name, value in (record | changes).items() if value is not None}


def payload(*, lines: list[dict[str, Any]] | None = None, settings: Any = None, **changes: Any) -> dict[str, Any]:
    """As the connector reads it; a change to None leaves the field out, as Fxiaoke does."""
    order = {
        "_id": ORDER_ID,
        "name": "20250911-0001",
        "account_id": ACCOUNT_ID,
        "account_id__r": "上海茶行有限公司",
        "order_time": MOMENT - 28_800_000,
        "order_amount": "100.01",
        "life_status": "normal",
        "lock_status": "0",
        "record_type": "default__c",
        "owner": ["1000"],
        "created_by__r": {"id": "1000", "name": "王芳"},
        "ship_to_add": "浙江省杭州市西湖区龙井路1号",
        "ship_to_tel": "13800000000",
        "ship_to_id": "61aa",
        "ship_to_id__r": {"_id": "61aa", "name": "李雷"},
        "remark": "尽快发货",
        "create_time": MOMENT,
        "last_modified_time": MOMENT + 1234,
        "version": "3",
    }
    return {
        "SalesOrderObj": {name: value for name, value in (order | changes).items() if value is not None},
        "SalesOrderProductObj": [line()] if lines is None else lines,
        "AccountObj": {
            "_id": ACCOUNT_ID,
            "name": "上海茶行有限公司",
            "account_no": "C-1001",
            "tel": "021-5555",
            "email": "info@tea.example",
            "address": "上海市黄浦区南京东路1号",
            "field_20jT0__c": "91310000MA1FL1234X",
        },
        "ProductObj": [
            {"_id": PRODUCTS[0], "name": "龙井", "product_code": "TEA-1"},
            {"_id": PRODUCTS[1], "name": "普洱", "product_code": "TEA-2"},
        ],
        "settings": SETTINGS | (settings or {}),
    }


def read(body: dict[str, Any] | None = None, **changes: Any) -> Order:
    return order_from_fxiaoke(payload(**changes) if body is None else body, SourceOptions())


def problems(body: dict[str, Any] | None = None, **changes: Any) -> tuple[Problem, ...]:
    try:
        read(body, **changes)
    except Problems as refused:
        return refused.problems
    raise AssertionError("it maps")
