"""The sandbox ERP after the confirmation: stock, shipments, invoices, refunds, payments, and its lists of changes."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest
import requests

from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.documents import SERVICE, Product
from tests.connectors.sandbox.erp_client import Client, line, with_party
from tests.connectors.sandbox.erp_client import sale as sale_payload
from tests.shared import PATIENCE_S, wait_until

pytestmark = pytest.mark.loopback

PRODUCTS = (
    Product(id=1, code="MUG", name="Mug", list_price="10.00", opening="5"),
    Product(id=2, code="POT", name="Pot", list_price="30.00", opening="1"),
    Product(id=3, code="SHIPPING", name="Shipping", list_price=None, type=SERVICE),
)


class Person(Client):
    """Somebody at the ERP's own pages, and its API."""

    def does(self, method, path, body=None):
        status, answer = self.call(method, f"/_sandbox/{path}", body)
        assert status < 300, answer
        return answer

    def confirmed(self, key="k1", **changes):
        made = self.created(sale_payload(key, **changes))
        [result] = self.advance("confirmed", made["id"])
        return self.survey(result["sale"]["id"])

    def survey(self, number):
        [found] = self.call("GET", "/api/sales/survey", params={"id": number})[1]["sales"]
        return found

    def stock(self, *codes, warehouse="MAIN"):
        params = [("warehouse", warehouse), *(("code", code) for code in codes)]
        found = self.call("GET", "/api/stock", params=params)[1]["stock"]
        return {each["code"]: (each["on_hand"], each["reserved"], each["available"]) for each in found}

    def refund(self, number, key="k1:refund:1", *, restock=True, state="confirmed", lines=None, **changes):
        lines = lines or [line(quantity="-1", amount="-10.00", tax="-1.90")]
        payload = {"sale": number, "external_key": key, "sale_date": "2026-11-21", "restock": restock, "lines": lines}
        [result] = self.call("POST", "/api/refunds", [payload | changes])[1]["results"]
        if not result["ok"]:
            return result["error"]
        ids = [result["refund"]["id"]]
        return self.call("POST", "/api/refunds/advance", {"ids": ids, "state": state})[1]["results"][0]["refund"]

    def pays(self, invoice, amount, reference="k1:pay:1"):
        return self.call("POST", "/api/payments", {"invoice": invoice, "amount": amount, "reference": reference})

    def changes(self, **params):
        return self.call("GET", "/api/sales/changes", params={"shop": "s", **params})[1]


@pytest.fixture
def start(tmp_path):
    def started(**options):
        return running_erp(options=ErpOptions(**options), ledger=tmp_path / "erp.ledger", products=PRODUCTS)

    return started


@pytest.fixture
def erp(start):
    with start() as running:
        with_party(running.url)
        yield Person(running.url)


MUGS = [line(quantity="7", amount="70.00", tax="13.30"), line(product=3, amount="4.00", tax="0.76")]


# Stock and shipments


def test_a_draft_reserves_nothing_and_a_confirmation_does(erp):
    made = erp.created(sale_payload())
    assert erp.stock("MUG") == {"MUG": ("5", "0", "5")}
    erp.advance("confirmed", made["id"])
    assert erp.stock("MUG") == {"MUG": ("5", "2", "3")}


def test_what_is_in_stock_leaves_first_and_the_rest_waits(erp):
    sale = erp.confirmed(lines=MUGS)
    shown = [(each["state"], each["lines"][0]["code"], each["lines"][0]["quantity"]) for each in sale["shipments"]]
    assert shown == [("ready", "MUG", "5"), ("waiting", "MUG", "2")]
    assert erp.stock("MUG") == {"MUG": ("5", "7", "-2")}
    assert sale["delivery"] == "waiting"


def test_services_are_never_sent(erp):
    sale = erp.confirmed(lines=MUGS[1:])
    assert (sale["shipments"], sale["delivery"]) == ([], "none")


def test_a_part_leaves_with_its_parcel_and_what_stays_is_a_new_shipment(erp):
    sale = erp.confirmed(lines=[line(quantity="3"), line(product=2)])
    [shipment] = sale["shipments"]
    parcel = {"number": "T-1", "url": "https://parcels.example/T-1"}
    erp.does(
        "POST", f"shipments/{shipment['id']}/send", {"lines": {"MUG": "2"}, "tracking": [parcel], "carrier": "DHL"}
    )

    after = erp.survey(sale["id"])

    first, rest = after["shipments"]
    assert (first["state"], first["tracking"], first["carrier"]) == ("sent", [parcel], "DHL")
    assert [(each["code"], each["quantity"]) for each in first["lines"]] == [("MUG", "2")]
    assert [(each["code"], each["quantity"]) for each in rest["lines"]] == [("MUG", "1"), ("POT", "1")]
    assert after["delivery"] == "partial"
    assert erp.stock("MUG", "POT") == {"MUG": ("3", "1", "2"), "POT": ("1", "1", "0")}
    erp.does("POST", f"sales/{sale['id']}/send", {"tracking": [{"number": "T-2", "url": ""}]})
    assert erp.survey(sale["id"])["delivery"] == "sent"
    assert erp.stock("MUG", "POT") == {"MUG": ("2", "0", "2"), "POT": ("0", "0", "0")}


@pytest.mark.parametrize(
    ("lines", "code"), [({"MUG": "3"}, "invalid"), ({"POT": "1"}, "invalid"), ({"MUG": "0"}, "required")]
)
def test_no_more_leaves_than_the_shipment_has(erp, lines, code):
    [shipment] = erp.confirmed()["shipments"]
    status, answer = erp.call("POST", f"/_sandbox/shipments/{shipment['id']}/send", {"lines": lines})
    assert (status, answer["code"]) == (422, code)
    assert erp.stock("MUG") == {"MUG": ("5", "2", "3")}


def test_what_is_not_there_cannot_leave_until_it_comes(erp):
    sale = erp.confirmed(lines=MUGS)
    waiting = sale["shipments"][1]["id"]
    erp.does("POST", f"sales/{sale['id']}/send")
    assert erp.call("POST", f"/_sandbox/shipments/{waiting}/send")[1]["code"] == "not_on_hand"
    erp.does("PUT", "stock", {"code": "MUG", "quantity": "4"})
    erp.does("POST", f"shipments/{waiting}/send")
    assert erp.stock("MUG") == {"MUG": ("2", "0", "2")}


def test_a_shipment_leaves_once(erp):
    [shipment] = erp.confirmed()["shipments"]
    erp.does("POST", f"shipments/{shipment['id']}/send")
    assert erp.call("POST", f"/_sandbox/shipments/{shipment['id']}/send")[0] == 409
    assert erp.stock("MUG") == {"MUG": ("3", "0", "3")}


def test_a_tracking_number_is_corrected_afterwards(erp):
    sale = erp.confirmed()
    [shipment] = sale["shipments"]
    erp.does("POST", f"shipments/{shipment['id']}/send", {"tracking": [{"number": "T-1", "url": ""}], "carrier": "DHL"})
    erp.does("PATCH", f"shipments/{shipment['id']}", {"tracking": [{"number": "T-9", "url": ""}]})
    [found] = erp.survey(sale["id"])["shipments"]
    assert (found["tracking"], found["carrier"]) == ([{"number": "T-9", "url": ""}], "DHL")


def test_each_warehouse_has_its_own_stock(erp):
    erp.does("PUT", "stock", [{"code": "MUG", "quantity": "2", "warehouse": "NORTH"}])
    erp.confirmed(warehouse="NORTH")
    assert erp.stock("MUG", warehouse="NORTH") == {"MUG": ("2", "2", "0")}
    assert erp.stock("MUG") == {"MUG": ("5", "0", "5")}
    assert erp.create(sale_payload(warehouse="SOUTH"))["results"][0]["error"]["field"] == "warehouse"
    assert erp.call("GET", "/api/stock?warehouse=SOUTH")[1]["code"] == "unknown_warehouse"


def test_all_stock_is_read_page_by_page_and_holds_goods_only(erp):
    first = erp.call("GET", "/api/stock", params={"warehouse": "MAIN", "limit": "1"})[1]
    second = erp.call("GET", "/api/stock", params={"warehouse": "MAIN", "limit": "1", "after": first["next"]})[1]
    third = erp.call("GET", "/api/stock", params={"warehouse": "MAIN", "limit": "1", "after": second["next"]})[1]
    assert [page["stock"][0]["code"] for page in (first, second)] == ["MUG", "POT"]
    assert (third["stock"], third["next"]) == ([], None)


def test_two_sales_of_the_last_piece_reserve_it_once(erp):
    states = [erp.confirmed(key, lines=[line(product=2)])["shipments"][0]["state"] for key in ("k1", "k2")]
    assert states == ["ready", "waiting"]
    assert erp.stock("POT") == {"POT": ("1", "2", "-1")}


# Invoices and payments


def test_a_posted_invoice_has_a_number_of_the_one_sequence_and_a_due_date(erp):
    first, second = erp.confirmed("k1"), erp.confirmed("k2")
    ids = [sale["invoices"][0]["id"] for sale in (second, first)]
    posted = [erp.call("POST", f"/api/invoices/{number}/post")[1]["invoice"] for number in ids]
    assert [invoice["number"] for invoice in posted] == ["INV000001", "INV000002"]
    assert all(invoice["due_on"] > invoice["dated_on"] for invoice in posted)
    assert erp.call("POST", f"/api/invoices/{ids[0]}/post")[1]["invoice"] == posted[0]


@pytest.mark.parametrize(("racy", "numbers"), [(False, {"INV000001", "INV000002"}), (True, {"INV000001"})])
def test_invoices_that_are_posted_at_once_share_a_number_only_where_the_erp_is_racy(start, racy, numbers):
    with start(racy_confirm=racy, latency_ms=100) as running:
        with_party(running.url)
        erp = Person(running.url)
        ids = [erp.confirmed(key)["invoices"][0]["id"] for key in ("k1", "k2")]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda number: Person(running.url).call("POST", f"/api/invoices/{number}/post"), ids))
        found = erp.call("GET", "/api/invoices", params=[("id", number) for number in ids])[1]["invoices"]
        assert {invoice["number"] for invoice in found} == numbers


def test_payments_are_parts_until_nothing_is_open(erp):
    sale = erp.confirmed()
    invoice = sale["invoices"][0]["id"]
    assert erp.pays(invoice, "23.80")[1]["code"] == "wrong_state"
    erp.does("POST", f"invoices/{invoice}/post")
    assert erp.pays(invoice, "20.00", "a")[0] == 201
    assert erp.survey(sale["id"])["invoices"][0]["open"] == "3.80"
    assert erp.pays(invoice, "3.81", "b")[1]["code"] == "over_open"
    assert erp.pays(invoice, "-1.00", "b")[1]["code"] == "over_open"
    assert erp.pays(invoice, "3.80", "b")[0] == 201
    assert erp.pays(invoice, "0.01", "c")[1]["code"] == "over_open"

    after = erp.survey(sale["id"])

    assert after["billing"] == "paid"
    assert [(each["reference"], each["amount"]) for each in after["payments"]] == [("a", "20.00"), ("b", "3.80")]


@pytest.mark.parametrize("amount", ["0", "1.001", "NaN", 5, None])
def test_an_amount_that_is_none_is_refused(erp, amount):
    invoice = erp.confirmed()["invoices"][0]["id"]
    erp.does("POST", f"invoices/{invoice}/post")
    assert erp.pays(invoice, amount)[1]["field"] == "amount"


@pytest.mark.parametrize(("enforced", "found"), [(False, 2), (True, 1)])
def test_a_reference_is_unique_only_where_the_erp_is_told_so(start, enforced, found):
    with start(enforce_reference=enforced) as running:
        with_party(running.url)
        erp = Person(running.url)
        invoice = erp.confirmed()["invoices"][0]["id"]
        erp.does("POST", f"invoices/{invoice}/post")
        assert [erp.pays(invoice, "1.00")[0] for _ in range(2)] == ([201, 409] if enforced else [201, 201])
        assert len(erp.call("GET", "/api/payments?reference=k1:pay:1")[1]["payments"]) == found


def test_the_file_of_a_posted_invoice_is_the_same_at_any_time(erp):
    sale = erp.confirmed()
    number = sale["invoices"][0]["id"]
    assert erp.call("GET", f"/api/invoices/{number}/file")[1]["code"] == "no_file"
    erp.does("POST", f"invoices/{number}/post")

    def printed():
        return erp.session.get(f"{erp.url}/api/invoices/{number}/file", timeout=PATIENCE_S)

    first = printed()
    erp.pays(number, "23.80")
    assert first.headers["Content-Disposition"] == 'attachment; filename="invoice-INV000001.txt"'
    assert "2 x MUG: 20.00" in first.text
    assert "Total: 23.80 EUR" in first.text
    assert printed().content == first.content
    erp.does("PATCH", f"invoices/{number}", {"file": "somebody was here"})
    assert printed().text == "somebody was here"


# Refunds


def test_a_refund_makes_a_credit_note_that_is_tied_to_the_invoice(erp):
    sale = erp.confirmed()
    refund = erp.refund(sale["id"])
    assert (refund["number"], refund["total"], refund["state"]) == ("RF000002", "-11.90", "confirmed")

    invoice, note = erp.survey(sale["id"])["invoices"]

    assert (note["total"], note["credits"], note["state"]) == ("-11.90", invoice["id"], "draft")
    erp.does("POST", f"invoices/{note['id']}/post")
    assert erp.pays(note["id"], "-11.90", "out")[0] == 201


def test_what_has_not_left_is_not_sent_any_more(erp):
    sale = erp.confirmed()
    erp.refund(sale["id"])
    [shipment] = erp.survey(sale["id"])["shipments"]
    assert [each["quantity"] for each in shipment["lines"]] == ["1"]
    assert erp.stock("MUG") == {"MUG": ("5", "1", "4")}
    erp.refund(sale["id"], "k1:refund:2")
    after = erp.survey(sale["id"])
    assert (after["shipments"][0]["state"], after["delivery"]) == ("dropped", "none")
    assert erp.stock("MUG") == {"MUG": ("5", "0", "5")}


def test_what_has_left_comes_back_and_is_in_stock_when_it_came(erp):
    sale = erp.confirmed()
    erp.does("POST", f"sales/{sale['id']}/send")
    erp.refund(sale["id"])
    [_, back] = erp.survey(sale["id"])["shipments"]
    assert (back["back"], back["state"], back["lines"][0]["quantity"]) == (True, "expected", "1")
    assert erp.stock("MUG") == {"MUG": ("3", "0", "3")}
    erp.does("POST", f"shipments/{back['id']}/receive")
    assert erp.stock("MUG") == {"MUG": ("4", "0", "4")}
    assert erp.call("POST", f"/_sandbox/shipments/{back['id']}/receive")[0] == 409


def test_a_refund_of_money_alone_moves_no_goods(erp):
    sale = erp.confirmed()
    erp.refund(sale["id"], restock=False)
    assert len(erp.survey(sale["id"])["shipments"]) == 1
    assert erp.stock("MUG") == {"MUG": ("5", "2", "3")}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sale": 99}, "id"),
        ({"currency": "USD"}, "currency"),
        ({"lines": [line(quantity="-1", amount="1.00")]}, "lines"),
        ({"lines": [line(quantity="1", amount="-1.00", tax="0")]}, "lines[0].quantity"),
    ],
)
def test_a_bad_refund_is_refused_with_its_field(erp, changes, field):
    sale = erp.confirmed()
    assert erp.refund(sale["id"], **changes)["field"] == field
    assert erp.survey(sale["id"])["refunds"] == []


def test_a_draft_is_not_refunded(erp):
    made = erp.created(sale_payload())
    assert erp.refund(made["id"])["code"] == "wrong_state"


@pytest.mark.parametrize("enforced", [True, False])
def test_a_refunds_key_is_enforced_as_a_sales_key_is(start, enforced):
    with start(enforce_key=enforced) as running:
        with_party(running.url)
        erp = Person(running.url)
        sale = erp.confirmed()
        erp.refund(sale["id"])
        second = erp.refund(sale["id"])
        assert (second.get("code") == "duplicate_key") is enforced
        found = erp.call("GET", "/api/refunds?shop=s&key=k1:refund:1")[1]["refunds"]
        assert len(found) == (1 if enforced else 2)


def test_refunds_are_no_sales_in_any_list(erp):
    sale = erp.confirmed()
    refund = erp.refund(sale["id"])
    window = {"shop": "s", "since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}
    listed = erp.call("GET", "/api/sales", params=window)[1]["sales"]
    assert [each["id"] for each in listed] == [sale["id"]]
    assert erp.by_key("k1:refund:1") == []
    assert erp.advance("cancelled", refund["id"])[0]["error"]["code"] == "not_found"


def test_a_draft_refund_is_deleted_as_a_draft_sale_is(erp):
    sale = erp.confirmed()
    [made] = erp.call(
        "POST",
        "/api/refunds",
        [{"sale": sale["id"], "sale_date": "2026-11-21", "lines": [line(quantity="-1", amount="-1")]}],
    )[1]["results"]
    assert erp.call("DELETE", f"/api/sales/{made['refund']['id']}")[0] == 204
    assert erp.survey(sale["id"])["refunds"] == []


def test_a_person_takes_goods_back(erp):
    sale = erp.confirmed()
    erp.does("POST", f"sales/{sale['id']}/send")
    refund = erp.does("POST", f"sales/{sale['id']}/return", {"lines": {"MUG": "1"}, "amount": "10.00"})
    assert (refund["external_key"], refund["total"], refund["state"]) == ("", "-10.00", "confirmed")
    assert erp.stock("MUG") == {"MUG": ("4", "0", "4")}
    assert erp.survey(sale["id"])["shipments"][1]["state"] == "received"


def test_what_a_person_takes_back_had_left_also_where_a_part_has_not(erp):
    sale = erp.confirmed()
    erp.does("POST", f"shipments/{sale['shipments'][0]['id']}/send", {"lines": {"MUG": "1"}})
    erp.does("POST", f"sales/{sale['id']}/return", {"lines": {"MUG": "1"}})
    shipments = erp.survey(sale["id"])["shipments"]
    assert [(each["state"], each["back"]) for each in shipments] == [
        ("sent", False),
        ("ready", False),
        ("received", True),
    ]
    assert erp.stock("MUG") == {"MUG": ("5", "1", "4")}


# Changes and cancellation


@pytest.mark.parametrize("state", ["draft", "quoted"])
def test_an_open_sale_takes_absolute_values(erp, state):
    made = erp.created(sale_payload())
    if state == "quoted":
        erp.advance("quoted", made["id"])
    change = {"lines": [line(quantity="3", amount="30.00", tax="5.70")], "note": "ring twice"}
    for _ in range(2):
        changed = erp.call("PUT", f"/api/sales/{made['id']}", change)[1]["sale"]
        assert (changed["total"], changed["note"], changed["state"]) == ("35.70", "ring twice", state)
    erp.advance("confirmed", made["id"])
    assert erp.survey(made["id"])["invoices"][0]["total"] == "35.70"
    assert erp.stock("MUG") == {"MUG": ("5", "3", "2")}


def test_a_confirmed_sale_is_not_changed_over_the_api_but_its_people_write_notes(erp):
    sale = erp.confirmed()
    status, answer = erp.call("PUT", f"/api/sales/{sale['id']}", {"note": "x"})
    assert (status, answer["code"]) == (409, "wrong_state")
    assert "confirmed" in answer["message"]
    assert erp.does("PATCH", f"sales/{sale['id']}/edit", {"note": "theirs"})["note"] == "theirs"
    assert erp.call("PATCH", f"/_sandbox/sales/{sale['id']}/edit", {"lines": [line()]})[0] == 409


@pytest.mark.parametrize(
    ("change", "field"), [({"currency": "USD"}, "currency"), ({"lines": []}, "lines"), ({"note": 5}, "note")]
)
def test_a_change_is_as_strict_as_a_creation(erp, change, field):
    made = erp.created(sale_payload())
    assert erp.call("PUT", f"/api/sales/{made['id']}", change)[1]["field"] == field


def test_a_cancellation_takes_what_has_not_left_and_is_not_posted_with_it(erp):
    sale = erp.confirmed(lines=MUGS)
    for _ in range(2):
        assert erp.call("POST", f"/api/sales/{sale['id']}/cancel")[1]["sale"]["state"] == "cancelled"
    after = erp.survey(sale["id"])
    assert [each["state"] for each in (*after["shipments"], *after["invoices"])] == ["cancelled"] * 3
    assert erp.stock("MUG") == {"MUG": ("5", "0", "5")}


@pytest.mark.parametrize("done", ["send", "post"])
def test_what_is_done_cannot_be_cancelled_and_a_repeat_changes_nothing(erp, done):
    sale = erp.confirmed(lines=MUGS)
    if done == "send":
        erp.does("POST", f"sales/{sale['id']}/send")
    else:
        erp.does("POST", f"invoices/{sale['invoices'][0]['id']}/post")
    assert erp.advance("cancelled", sale["id"])[0]["error"]["code"] == "wrong_state"

    stopped = [erp.call("POST", f"/api/sales/{sale['id']}/cancel")[1]["sale"] for _ in range(2)]

    assert stopped[0] == stopped[1]
    assert stopped[0]["state"] == "confirmed"
    after = erp.survey(sale["id"])
    assert (after["delivery"], after["billing"]) == ("exception", "exception" if done == "send" else "posted")
    assert erp.stock("MUG") == {"MUG": ("0", "0", "0") if done == "send" else ("5", "0", "5")}


# What changed


def test_every_step_names_the_sale_and_nothing_else_does(erp):
    sale = erp.confirmed()
    other = erp.confirmed("k2")
    shipment, invoice = sale["shipments"][0]["id"], sale["invoices"][0]["id"]
    steps = [
        lambda: erp.does("POST", f"shipments/{shipment}/send"),
        lambda: erp.does("PATCH", f"shipments/{shipment}", {"carrier": "UPS"}),
        lambda: erp.does("POST", f"invoices/{invoice}/post"),
        lambda: erp.pays(invoice, "23.80"),
        lambda: erp.refund(sale["id"]),
        lambda: erp.does("POST", "shipments/3/receive"),
        lambda: erp.does("PATCH", f"sales/{sale['id']}/edit", {"note": "x"}),
    ]
    for number, step in enumerate(steps):
        before = erp.changes()["last"]
        step()
        named = [change["id"] for change in erp.changes(after=before)["changes"]]
        assert named == [sale["id"]], number
    before = erp.changes()["last"]
    erp.call("POST", f"/api/sales/{other['id']}/cancel")
    assert [change["id"] for change in erp.changes(after=before)["changes"]] == [other["id"]]


def test_a_repeat_that_does_nothing_is_no_change(erp):
    sale = erp.confirmed()
    invoice = sale["invoices"][0]["id"]
    erp.does("POST", f"invoices/{invoice}/post")
    before = erp.changes()["last"]
    erp.advance("confirmed", sale["id"])
    erp.call("POST", f"/api/invoices/{invoice}/post")
    erp.pays(invoice, "99.00")
    assert erp.changes()["last"] == before


def test_a_walk_misses_nothing_while_sales_change(erp):
    ids = {erp.created(sale_payload(f"k{number}"))["id"] for number in range(20)}
    stop = threading.Event()

    def work():
        busy = Person(erp.url)
        while not stop.is_set():
            for number in sorted(ids)[::3]:
                busy.does("PATCH", f"sales/{number}/edit", {"note": "again"})

    worker = threading.Thread(target=work)
    worker.start()
    try:
        seen, after = set(), 0
        for _ in range(200):
            page = erp.changes(after=after, limit=3)
            seen |= {change["id"] for change in page["changes"]}
            after = page["reached"]
            if seen == ids:
                break
    finally:
        stop.set()
        worker.join()
    assert seen == ids


def test_the_list_of_another_shop_is_empty_and_still_says_how_far_it_is_read(erp):
    erp.confirmed()
    page = erp.changes(shop="other")
    assert page["changes"] == []
    assert page["reached"] == page["last"] > 0


def test_changes_can_be_read_from_a_moment_on(erp):
    erp.confirmed("k1")
    sale = erp.confirmed("k2")
    found = erp.changes(since=sale["created_at"])["changes"]
    assert [change["id"] for change in found] == [sale["id"]]
    assert erp.changes(since="2030-01-01T00:00:00Z")["changes"] == []


def test_stock_changes_name_the_articles_that_moved(erp):
    start = erp.call("GET", "/api/stock/changes")[1]
    assert start["codes"] == []
    erp.confirmed(lines=[line(), line(product=3)])
    erp.does("PUT", "stock", {"code": "POT", "quantity": "9", "warehouse": "NORTH"})
    first = erp.call("GET", "/api/stock/changes", params={"after": start["reached"], "limit": 1})[1]
    second = erp.call("GET", "/api/stock/changes", params={"after": first["reached"], "limit": 1})[1]
    assert (first["codes"], second["codes"]) == (["MUG"], ["POT"])
    assert second["reached"] == second["last"]


# Restart and faults


def test_a_restart_brings_everything_back(start):
    with start() as running:
        with_party(running.url)
        erp = Person(running.url)
        sale = erp.confirmed(lines=MUGS)
        erp.does("POST", f"sales/{sale['id']}/send", {"tracking": [{"number": "T-1", "url": ""}]})
        erp.does("POST", f"invoices/{sale['invoices'][0]['id']}/post")
        erp.pays(sale["invoices"][0]["id"], "5.00")
        refund = erp.refund(sale["id"], lines=[line(quantity="-3", amount="-30.00", tax="-5.70")])
        erp.does("POST", f"shipments/{refund['shipments'][0]}/receive")
        erp.does("PUT", "stock", {"code": "POT", "quantity": "3", "warehouse": "NORTH"})
        erp.confirmed("k2", lines=[line(product=2)])
        erp.call("POST", "/api/sales/4/cancel")
        stock = [erp.stock("MUG", "POT", warehouse=warehouse) for warehouse in ("MAIN", "NORTH")]
        before = [erp.survey(sale["id"]), erp.changes(), *stock]
    with start() as running:
        erp = Person(running.url)
        stock = [erp.stock("MUG", "POT", warehouse=warehouse) for warehouse in ("MAIN", "NORTH")]
        assert [erp.survey(sale["id"]), erp.changes(), *stock] == before
        note = erp.survey(sale["id"])["invoices"][1]["id"]
        assert erp.call("POST", f"/api/invoices/{note}/post")[1]["invoice"]["number"] == "INV000002"
        assert erp.pays(sale["invoices"][0]["id"], "1.00", "later")[1]["payment"]["id"] == 2


@pytest.mark.parametrize("path", ["/api/refunds", "/api/payments"])
def test_a_late_commit_lands_with_the_id_that_it_was_given(start, path):
    with start(settle_s=PATIENCE_S) as running:
        with_party(running.url)
        erp = Person(running.url)
        sale = erp.confirmed()
        invoice = sale["invoices"][0]["id"]
        erp.does("POST", f"invoices/{invoice}/post")
        running.plan.add(kind="drop_then_commit", method="POST", path=path, after_s=1.5)

        def make(key):
            if path == "/api/payments":
                return erp.pays(invoice, "1.00", key)
            return erp.refund(sale["id"], key)

        with pytest.raises(requests.ConnectionError):
            make("late")
        make("soon")
        found = "payments" if path == "/api/payments" else "refunds"
        assert len(erp.survey(sale["id"])[found]) == 1
        wait_until(lambda: len(erp.survey(sale["id"])[found]) == 2)
        documents = erp.survey(sale["id"])[found]
        assert documents[0]["id"] > documents[1]["id"]
