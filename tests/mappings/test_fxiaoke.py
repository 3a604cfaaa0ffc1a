"""Orders of Fxiaoke: what each field means, and what is refused."""

from __future__ import annotations

import copy
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.canonical.records import Address, OrderState, PaymentState
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.crm import Buyer
from mappings.fxiaoke import ACCOUNTS, order_from_fxiaoke
from mappings.fxiaoke.meaning import ORDER_STATES, places
from tests.mappings.fxiaoke_orders import ACCOUNT_ID, MOMENT, ORDER_ID, PRODUCTS, line, payload, problems, read
from tests.shared import shared_path


def test_an_order_is_read_whole():
    before = copy.deepcopy(body := payload())
    order = read(body)
    assert body == before
    assert (order.external_id, order.number, order.currency) == (ORDER_ID, "20250911-0001", "CNY")
    assert (order.state, order.payment_state) == (OrderState.PROCESSING, PaymentState.UNPAID)
    assert order.placed_at == dt.datetime(2025, 9, 11, tzinfo=dt.UTC)
    assert order.version == "2025-09-11T00:00:01.234"
    [only] = order.lines
    assert (only.sku, only.name, str(only.quantity), str(only.total)) == ("TEA-1", "龙井", "2", "100.01 CNY")
    assert (str(only.unit_price), str(order.totals.grand), order.totals.rounding.amount) == (
        "50.005 CNY",
        "100.01 CNY",
        0,
    )
    customer = order.customer
    assert (customer.external_id, customer.company, customer.guest) == (ACCOUNT_ID, "上海茶行有限公司", False)
    assert (order.billing.city, order.billing.country) == ("上海市", "CN")
    assert (order.shipping.region, order.shipping.city, order.shipping.last_name) == ("浙江省", "杭州市", "李雷")
    assert order.note == "尽快发货"
    assert order.attributes["owner"] == ["1000"]
    assert order.attributes["order_date"] == "2025-09-11"
    assert order_from_json(json.loads(json.dumps(order_to_json(order)))) == order


def test_the_day_is_the_tenants():
    late = MOMENT + 17 * 3_600_000
    assert read(create_time=late).placed_on == dt.date(2025, 9, 12)
    assert read(create_time=late, settings={"zone": "Europe/Berlin"}).placed_on == dt.date(2025, 9, 11)


@pytest.mark.parametrize(("word", "state"), ORDER_STATES.items())
def test_every_state_has_a_meaning(word: str, state: OrderState):
    assert read(life_status=word).state is state


def test_a_state_that_nobody_knows_is_named_and_a_look_up_explains_it():
    [problem] = problems(life_status="archived")
    assert (problem.cause, problem.subject) == ("unmapped", "order_state:archived")
    options = SourceOptions(order_states={"archived": OrderState.COMPLETED})
    assert order_from_fxiaoke(payload(life_status="archived"), options).state is OrderState.COMPLETED


def test_numbers_are_read_as_texts_and_as_numbers():
    """Texts are what is documented; older interfaces answer with numbers."""
    body = read_json(json.dumps(payload()).replace('"100.01"', "100.01").replace('"2"', "2").encode())
    assert str(read(body).totals.grand) == "100.01 CNY"


def test_a_line_without_subtotal_is_price_times_quantity():
    assert str(read(lines=[line(subtotal=None)]).lines[0].total.quantized(2)) == "100.01 CNY"
    [problem] = problems(lines=[line(subtotal=None, sales_price=None)])
    assert problem.path == "SalesOrderProductObj[0].subtotal"


def test_amounts_that_hold_tax_are_taken_apart_line_by_line():
    two = line(_id="2", product_id=PRODUCTS[1], subtotal="50.00", sales_price="25.00", rate__c="9")
    body = {"lines": [line(subtotal="113.00"), two], "order_amount": "163.00"}
    order = read(**body, settings={"tax_rate": "13", "tax_rate_field": "rate__c"})
    assert [str(each.total) for each in order.lines] == ["100.00 CNY", "45.87 CNY"]
    assert [(tax.code, str(tax.amount)) for tax in order.tax_lines] == [("13", "13.00 CNY"), ("9", "4.13 CNY")]
    assert (str(order.totals.tax), order.tax_included) == ("17.13 CNY", True)


def test_the_discount_of_the_whole_is_spread_to_the_cent():
    lines = [line(_id=str(number), subtotal="33.33", sales_price="33.33", quantity="1") for number in range(3)]
    order = read(lines=lines, order_amount="89.99", discount="90")
    assert sorted(str(each.total.amount) for each in order.lines) == ["29.99", "30.00", "30.00"]
    assert (str(order.totals.discount), order.totals.rounding.amount) == ("10.00 CNY", 0)
    assert {each.discounts[0].code for each in order.lines} == {"discount"}


def test_a_difference_that_the_discount_does_not_explain_is_held():
    for changes in ({"discount": "90"}, {"discount": "100"}, {}):
        [problem] = problems(order_amount="60.00", **changes)
        assert (problem.cause, problem.path) == ("totals_mismatch", "SalesOrderObj.order_amount")


def test_freight_in_a_field_of_the_tenant_is_a_shipping_line():
    order = read(order_amount="120.01", freight__c="20.00", settings={"freight_field": "freight__c"})
    assert [str(each.total) for each in order.shipping_lines] == ["20.00 CNY"]
    [problem] = problems(freight__c="twenty", settings={"freight_field": "freight__c"})
    assert problem.path == "SalesOrderObj.freight__c"


def test_an_order_may_name_its_own_currency():
    assert read(mc_currency="USD", settings={"currency_field": "mc_currency"}).currency == "USD"
    assert read(settings={"currency_field": "mc_currency"}).currency == "CNY"


def test_the_tax_number_stands_where_the_connection_says():
    assert read(settings={"vat_id_field": "field_20jT0__c"}).customer.vat_id == "91310000MA1FL1234X"


def test_a_customer_that_nobody_may_see_leaves_the_address_empty():
    body = payload()
    body["AccountObj"] = None
    order = read(body)
    assert (order.customer.external_id, order.customer.company, order.billing.street) == (ACCOUNT_ID, "", "")


def test_a_line_whose_product_is_gone_has_no_sku_but_its_name():
    body = payload()
    body["ProductObj"] = []
    assert (read(body).lines[0].sku, read(body).lines[0].name) == ("", "西湖龙井")


def test_everything_that_is_wrong_is_told_at_once():
    found = problems(lines=[line(quantity="two")], order_amount="1,000", life_status="archived", name=None)
    assert {problem.path for problem in found} == {
        "SalesOrderProductObj[0].quantity",
        "SalesOrderObj.order_amount",
        "SalesOrderObj.life_status",
        "SalesOrderObj.name",
    }


@pytest.mark.parametrize(
    ("address", "province", "city"),
    [
        ("广东省深圳市南山区科技园", "广东省", "深圳市"),
        ("新疆维吾尔自治区乌鲁木齐市天山区", "新疆维吾尔自治区", "乌鲁木齐市"),
        ("北京朝阳区1号", "", "北京市"),
        ("上海市黄浦区", "", "上海市"),
        ("四川省凉山彝族自治州西昌市", "四川省", "凉山彝族自治州"),
        ("科技园1号", "", ""),
        ("", "", ""),
    ],
)
def test_places_are_what_an_address_begins_with(address: str, province: str, city: str):
    assert places(address) == (province, city)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ("req_create_sales_order_shape.json", "the body of a write"),
        ("req_erp_push_sales_order.json", "the body of a write"),
        ("err_20017_missing_token_http200.json", "an error of Fxiaoke (20017)"),
        ("success_envelope.json", "no SalesOrderObj"),
        ("query_ids_only.json", "no SalesOrderObj"),
    ],
)
def test_the_vendors_samples_are_refused_for_what_they_are(sample: str, reason: str):
    """None of them is an order that was read; the shape of the one that is written is held in the connector's tests."""
    body = read_json(shared_path(f"vendor/fxiaoke/samples/{sample}").read_bytes())
    assert reason in problems(body)[0].reason


def test_an_id_alone_is_refused_as_one():
    rows = read_json(shared_path("vendor/fxiaoke/samples/query_ids_only.json").read_bytes())["data"]["dataList"]
    assert {problems(row)[0].reason for row in rows} == {"only an id, expected an order that was read"}


@given(
    amounts=st.lists(st.integers(1, 10**7), min_size=1, max_size=6),
    percent=st.integers(1, 9999),
)
def test_however_the_discount_falls_the_lines_are_what_is_charged(amounts: list[int], percent: int):
    total = sum(amounts)
    charged = (total * percent + 5000) // 10000
    lines = [line(_id=str(index), subtotal=f"{cents / 100:.2f}") for index, cents in enumerate(amounts)]
    order = read(lines=lines, order_amount=f"{charged / 100:.2f}", discount=f"{percent / 100:.2f}")
    assert not order.totals.rounding
    assert str(order.totals.lines.amount) == f"{charged / 100:.2f}"


@pytest.mark.parametrize(
    ("where", "written"),
    [
        (
            {"region": "浙江省", "city": "杭州市", "street": "西湖区龙井路1号", "street_2": "3楼"},
            "浙江省杭州市西湖区龙井路1号3楼",
        ),
        (
            {"region": "浙江省", "city": "杭州市", "street": "浙江省杭州市西湖区龙井路1号"},
            "浙江省杭州市西湖区龙井路1号",
        ),
        ({"city": "上海市", "street": "上海市黄浦区南京东路1号"}, "上海市黄浦区南京东路1号"),
        ({"city": "Berlin", "street": "Berliner Straße 5"}, "Berlin Berliner Straße 5"),
        ({}, ""),
    ],
)
def test_a_new_customer_has_its_address_in_one_text(where, written):
    who = Buyer(
        company="甲公司", first_name="", last_name="", email="", phone="", vat_id="T1", address=Address(**where)
    )
    told = ACCOUNTS.account(who)
    assert told.get("address", "") == written
    assert (told["name"], told["vat_id_field"]) == ("甲公司", "T1")
