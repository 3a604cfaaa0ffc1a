"""Zoho CRM: what its totals are made of, states and approvals, countries, deals and quotes, both spellings of lines."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from mappings.canonical.errors import Problems
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState
from mappings.canonical.schemas import order_from_json, order_to_json
from tests.mappings.zoho_orders import deal, order_of, quote, record


def problems_of(payload, **options):
    with pytest.raises(Problems) as caught:
        order_of(payload, **options)
    return {(problem.path, problem.cause): problem for problem in caught.value.problems}


def amounts(order):
    totals = order.totals
    return {
        name: f"{getattr(totals, name).amount:f}" for name in ("lines", "discount", "fees", "tax", "grand", "rounding")
    }


def lines(payload, *changes):
    rows = payload["Ordered_Items"]
    payload["Ordered_Items"] = [row | change for row, change in zip(rows, changes, strict=True)]
    return payload


class Rows:
    """A look-up with these rows."""

    def __init__(self, **rows):
        self.rows = rows

    def find(self, table, value, facts=None):
        return self.rows.get(table, {}).get(value)


# Money


def test_a_sales_order_ties_and_its_tax_of_the_whole_falls_on_its_lines():
    order = order_of(record())
    assert amounts(order) == {
        "lines": "42.60", "discount": "0.00", "fees": "0", "tax": "8.09", "grand": "50.69", "rounding": "0.00"
    }  # fmt: skip
    assert [(line.sku, line.quantity, str(line.total), str(line.tax)) for line in order.lines] == [
        ("SIEB-ST", 2, "5.60 EUR", "1.06 EUR"),
        ("KANNE-GLAS", 1, "37.00 EUR", "7.03 EUR"),
    ]
    assert [(tax.code, tax.rate, str(tax.amount)) for tax in order.tax_lines] == [("USt", 19, "8.09 EUR")]
    assert order_from_json(json.loads(json.dumps(order_to_json(order)))) == order


def test_a_tax_of_the_whole_without_its_list_is_one_whose_rate_is_found_where_it_is_whole():
    order = order_of(record(**{"$line_tax": []}))
    assert [(tax.code, tax.rate, str(tax.amount)) for tax in order.tax_lines] == [("Tax", 19, "8.09 EUR")]
    odd = order_of(record(**{"$line_tax": None, "Tax": Decimal("5.00"), "Grand_Total": Decimal("47.60")}))
    assert odd.tax_lines[0].rate is None


def test_taxes_of_lines_and_those_that_do_not_apply():
    tax = {"name": "USt", "id": "1", "display_name": "USt 19%", "percentage": 19, "value": Decimal("1.06")}
    none = {"name": "Reduced", "id": "2", "percentage": 0, "value": 0}
    other = {"name": "USt", "id": "1", "percentage": 19}
    order = order_of(
        lines(
            record(Tax=0, Grand_Total=Decimal("50.69"), **{"$line_tax": []}),
            {"Line_Tax": [tax, none], "Tax": Decimal("1.06")},
            {"Line_Tax": [other], "Tax": Decimal("7.03")},
        )
    )
    assert [str(line.tax) for line in order.lines] == ["1.06 EUR", "7.03 EUR"]
    assert [len(line.tax_lines) for line in order.lines] == [1, 1]


@pytest.mark.parametrize("discount", [Decimal("4.26"), "10%", "10 %"])
def test_a_discount_of_the_whole_falls_on_its_lines_before_tax(discount):
    payload = record(Discount=discount, Tax=Decimal("7.28"), Grand_Total=Decimal("45.62"), **{"$line_tax": []})
    order = order_of(payload)
    assert [str(line.total) for line in order.lines] == ["5.04 EUR", "33.30 EUR"]
    assert order.totals.discount.amount == Decimal("4.26")
    assert {line.discounts[0].code for line in order.lines} == {"order discount"}


def test_a_discount_of_the_whole_after_taxes_of_lines_is_a_charge_below_zero():
    payload = lines(
        record(Discount=5, Tax=0, Grand_Total=Decimal("45.69"), **{"$line_tax": []}),
        {"Tax": Decimal("1.06")},
        {"Tax": Decimal("7.03")},
    )
    order = order_of(payload)
    assert [(fee.title, str(fee.total)) for fee in order.fees] == [("Discount", "-5.00 EUR")]
    assert not order.totals.rounding


@pytest.mark.parametrize("off", [Decimal("3.70"), "10%"])
def test_a_discount_of_one_line_is_its_own(off):
    payload = record(Tax=0, Grand_Total=Decimal("38.90"), **{"$line_tax": []})
    order = order_of(lines(payload, {}, {"Discount": off, "Net_Total": Decimal("33.30")}))
    assert [str(line.total) for line in order.lines] == ["5.60 EUR", "33.30 EUR"]
    assert [len(line.discounts) for line in order.lines] == [0, 1]


def test_an_adjustment_is_a_charge_of_either_sign():
    order = order_of(record(Adjustment=Decimal("-0.69"), Grand_Total=50))
    assert [(fee.title, str(fee.total)) for fee in order.fees] == [("Adjustment", "-0.69 EUR")]


def test_what_does_not_add_up_is_held_with_its_table():
    found = problems_of(record(Grand_Total=85000))
    assert "Teesieb" in found["Grand_Total", "totals_mismatch"].reason


def test_currencies_without_decimals_and_with_three():
    yen = lines(
        record(Currency="JPY", Tax=0, Grand_Total=1000, **{"$line_tax": []}),
        {"List_Price": 250, "Total": 500},
        {"List_Price": 500, "Total": 500},
    )
    assert str(order_of(yen).totals.grand) == "1000 JPY"
    dinar = lines(
        record(Currency="KWD", Tax=0, Grand_Total=Decimal("1.25"), **{"$line_tax": []}),
        {"List_Price": Decimal("0.5"), "Total": 1},
        {"List_Price": Decimal("0.25"), "Total": Decimal("0.25")},
    )
    assert str(order_of(dinar).totals.grand) == "1.250 KWD"


def test_the_organisations_currency_where_a_record_has_none():
    assert order_of(record(Currency=None)).currency == "EUR"
    found = problems_of(record(Currency=None, **{"$crossdock": {"module": "Sales_Orders"}}))
    assert "currency" in found["Currency", "mapping"].next_step


# Lines


def test_lines_in_the_small_spelling_of_the_vendors_examples():
    payload = record()
    payload["Ordered_Items"] = [
        {
            name.lower() if name in {"Quantity", "List_Price", "Discount", "Total"} else name: value
            for name, value in row.items()
        }
        for row in payload["Ordered_Items"]
    ]
    assert amounts(order_of(payload)) == amounts(order_of(record()))


def test_a_code_that_the_line_does_not_say_comes_from_the_product():
    payload = record()
    del payload["Ordered_Items"][0]["Product_Name"]["Product_Code"]
    assert order_of(payload).lines[0].sku == ""
    payload["$crossdock"]["codes"] = {"5725767000011358006": "SIEB-ST"}
    assert order_of(payload).lines[0].sku == "SIEB-ST"


def test_everything_that_is_wrong_is_told_at_once():
    payload = record(Grand_Total="x", Created_Time="soon", Status="Teleported", Modified_Time=None)
    payload["Ordered_Items"][1] |= {"Quantity": None}
    assert set(problems_of(payload)) == {
        ("Grand_Total", "mapping"),
        ("Created_Time", "mapping"),
        ("Modified_Time", "mapping"),
        ("Status", "unmapped"),
        ("Ordered_Items[1].Quantity", "mapping"),
    }
    assert ("Ordered_Items", "mapping") in problems_of(record(Ordered_Items=[]))


# Who, where, when


def test_company_and_person():
    order = order_of(record())
    customer = order.customer
    assert (customer.company, customer.vat_id) == ("Bentley GmbH", "DE 123456789")
    assert (customer.first_name, customer.last_name) == ("Anna", "Kingsley")
    assert (customer.email, customer.external_id, customer.guest) == (
        "anna@bentley.example",
        "5725767000007910001",
        False,
    )
    assert order.billing.street_2 == "Hinterhaus"
    assert order.shipping == order.billing
    assert order.po_number == "PO-88213"


def test_names_alone_where_nothing_else_was_read():
    order = order_of(record(**{"$crossdock": {"module": "Sales_Orders"}}))
    assert (order.customer.company, order.customer.last_name) == ("Bentley GmbH", "Anna Kingsley")
    # 23:30 in India; with the organisation's zone it is the day of Berlin.
    assert order.placed_on == dt.date(2026, 11, 21)


def test_ids_keep_all_of_their_digits_and_times_become_utc():
    order = order_of(record())
    assert order.external_id == "5725767000007000001"
    assert order.version == "2026-11-22T04:30:00"
    assert order.placed_at == dt.datetime(2026, 11, 21, 18, 0, tzinfo=dt.UTC)
    assert order.placed_on == dt.date(2026, 11, 21)
    late = record(Created_Time="2026-11-22T04:30:00+05:30")
    assert order_of(late).placed_on == dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "code"), [("germany", "DE"), ("DE", "DE"), ("U.K.", "GB"), ("United  States of America", "US"), ("", "")]
)
def test_countries_are_typed_by_people(typed, code):
    assert order_of(record(Billing_Country=typed)).billing.country == code


def test_a_country_that_nobody_knows_waits_for_a_row():
    found = problems_of(record(Billing_Country="Deutschland"))
    assert found["Billing_Country", "unmapped"].subject == "country:Deutschland"
    rows = Rows(country={"Deutschland": "DE"})
    assert order_of(record(Billing_Country="Deutschland"), lookup=rows).billing.country == "DE"


# States


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Created", OrderState.ON_HOLD),
        ("Approved", OrderState.PROCESSING),
        ("Delivered", OrderState.COMPLETED),
        ("Cancelled", OrderState.CANCELLED),
    ],
)
def test_states_of_sales_orders(word, state):
    order = order_of(record(Status=word))
    assert (order.state, order.source_state, order.payment_state) == (state, word, PaymentState.UNPAID)
    assert (order.fulfilment_state is FulfilmentState.FULFILLED) == (word == "Delivered")


def test_a_label_that_people_have_made_is_explained_by_the_look_up():
    found = problems_of(record(Status="Freigegeben"))
    assert found["Status", "unmapped"].subject == "order_state:Freigegeben"
    order = order_of(record(Status="Freigegeben"), order_states={"Freigegeben": OrderState.PROCESSING})
    assert order.state is OrderState.PROCESSING


def test_an_order_that_waits_for_approval_waits_here_too():
    assert order_of(record(**{"$approval_state": "approval_process_pending"})).state is OrderState.ON_HOLD


def test_quotes_by_their_stage():
    order = order_of(quote())
    assert (order.state, order.number, amounts(order)) == (OrderState.PROCESSING, "Q-3", amounts(order_of(record())))
    assert order_of(quote(Quote_Stage="Delivered")).state is OrderState.DRAFT
    assert order_of(quote(Quote_Stage="Closed Lost")).state is OrderState.CANCELLED


def test_a_deal_is_its_amount_of_one_article():
    order = order_of(deal())
    assert [(line.sku, line.name, str(line.total)) for line in order.lines] == [("PAUSCHALE", "Tee 2026", "850.00 EUR")]
    assert order.state is OrderState.PROCESSING
    assert order_of(deal(Stage="Negotiation/Review")).state is OrderState.DRAFT
    assert order_of(deal(Stage="Gewonnen", around={"accepted": True})).state is OrderState.PROCESSING


def test_a_deal_with_lines_of_its_own():
    rows = [row | {"Total": None} for row in record()["Ordered_Items"]]
    order = order_of(deal(Amount=Decimal("42.60"), Positions=rows, around={"lines": "Positions"}))
    assert [line.sku for line in order.lines] == ["SIEB-ST", "KANNE-GLAS"]
    found = problems_of(deal(Positions=[rows[0] | {"Quantity": "two"}], around={"lines": "Positions"}))
    assert ("Positions[0].Quantity", "mapping") in found


def test_a_deal_whose_lines_do_not_come_to_its_amount_is_held():
    rows = [row | {"Total": None} for row in record()["Ordered_Items"]]
    found = problems_of(deal(Amount=Decimal("50.00"), Positions=rows, around={"lines": "Positions"}))
    [(path, cause)] = found
    assert (path, cause) == ("Amount", "totals_mismatch")


def test_an_order_that_is_made_of_another_says_so_where_it_stands():
    order = order_of(quote(**{"$crossdock": quote()["$crossdock"] | {"made_of": "deals"}}))
    assert (order.state, order.source_state) == (OrderState.DRAFT, "Accepted (made of deals, which are orders)")


def test_an_address_that_nobody_can_read_is_named_where_it_stands():
    around = deal()["$crossdock"]
    account = around["account"] | {"billing": {"street": "x", "city": "y", "country": "Atlantis"}}
    [(path, _cause)] = problems_of(deal(around={"account": account}))
    assert path == "Account_Name.Billing_Country"


def test_a_deal_of_which_nobody_can_say_what_was_sold_is_held():
    [problem] = problems_of(deal(around={"article": ""})).values()
    assert "deal_article" in problem.next_step


# What is no order


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"data": []}, "expected one record"),
        ({"code": "INVALID_DATA", "status": "error"}, "an error of the CRM"),
        ({"Last_Name": "x", "Email": "y"}, "a person"),
        ({"Product_Code": "x"}, "a product"),
        ({"Deal_Name": {"id": "1"}}, "none of the lists"),
        ({"x": 1}, "none of the lists"),
    ],
)
def test_what_is_no_order_is_named(payload, reason):
    [problem] = problems_of(payload).values()
    assert reason in problem.reason
