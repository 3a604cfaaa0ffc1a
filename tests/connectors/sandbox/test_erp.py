"""The sandbox ERP keeps its own promises: keys, states, rounding, late commits, and a ledger that survives."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.audit import check_ledger
from tests.connectors.sandbox.erp_client import PRODUCTS, Client, line, sale, with_party
from tests.shared import PATIENCE_S, wait_until

pytestmark = pytest.mark.loopback


@pytest.fixture
def start(tmp_path):
    """Start an ERP on the test's ledger; leaving the block stops it, starting again goes on from there."""

    def started(**options):
        return running_erp(options=ErpOptions(**options), ledger=tmp_path / "erp.ledger", products=PRODUCTS)

    return started


@pytest.fixture
def erp(start):
    with start() as running:
        yield with_party(running.url)


# Sales


def test_totals_are_the_sums_of_lines_rounded_to_the_currency(erp):
    lines = [line(amount="10.005", tax="1.904"), line(amount="-0.5", tax="0")]
    made = erp.created(sale(lines=lines))
    assert (made["untaxed"], made["tax"], made["total"]) == ("9.51", "1.90", "11.41")


@pytest.mark.parametrize(("currency", "total"), [("JPY", "4"), ("KWD", "4.000"), ("EUR", "4.00")])
def test_each_currency_has_its_own_unit(erp, currency, total):
    assert erp.created(sale(currency=currency, lines=[line(amount="3.36", tax="0.64")]))["total"] == total


def test_a_quote_gives_the_number_and_a_confirmation_a_draft_invoice(erp):
    made = erp.created(sale())
    assert (made["number"], made["state"], made["invoices"]) == ("", "draft", [])

    [quoted] = erp.advance("quoted", made["id"])
    [confirmed] = erp.advance("confirmed", made["id"])

    assert (quoted["sale"]["number"], quoted["sale"]["invoices"]) == ("SO000001", [])
    assert (confirmed["sale"]["number"], confirmed["sale"]["invoices"]) == ("SO000001", [1])


def test_a_cancelled_sale_goes_nowhere(erp):
    made = erp.created(sale())
    erp.advance("cancelled", made["id"])
    [result] = erp.advance("confirmed", made["id"])
    assert result["error"]["code"] == "wrong_state"


def test_advance_answers_for_each_id(erp):
    made = erp.created(sale())
    results = erp.advance("confirmed", 77, made["id"])
    assert [result["ok"] for result in results] == [False, True]
    assert results[0]["error"]["code"] == "not_found"


def test_only_a_draft_can_be_deleted(erp):
    first, second = erp.created(sale("k1")), erp.created(sale("k2"))
    erp.advance("quoted", second["id"])
    assert erp.call("DELETE", f"/api/sales/{first['id']}")[0] == 204
    assert erp.call("DELETE", f"/api/sales/{second['id']}")[0] == 409
    assert erp.call("DELETE", f"/api/sales/{first['id']}")[0] == 404
    assert [found["external_key"] for found in erp.by_key("k1", "k2")] == ["k2"]


def test_a_deleted_key_can_be_used_again(erp):
    erp.call("DELETE", f"/api/sales/{erp.created(sale())['id']}")
    assert erp.created(sale())["external_key"] == "k1"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"currency": "eur"}, "invalid", "currency"),
        ({"party": 9}, "unknown_party", "party"),
        ({"party": "1"}, "unknown_party", "party"),
        ({"sale_date": "20.11.2026"}, "invalid", "sale_date"),
        ({"placed_at": "2026-11-20T11:00:00"}, "invalid", "placed_at"),
        ({"external_key": 17}, "invalid", "external_key"),
        ({"lines": []}, "required", "lines"),
        ({"lines": [line(), 5]}, "invalid", "lines[1]"),
        ({"lines": [line(product=9)]}, "unknown_product", "lines[0].product"),
        ({"lines": [line(product=3)]}, "not_salable", "lines[0].product"),
        ({"lines": [line(quantity="1.5")]}, "unit_digits", "lines[0].quantity"),
        ({"lines": [line(product=2, quantity="0.2505")]}, "unit_digits", "lines[0].quantity"),
        ({"lines": [line(amount=1.5)]}, "invalid", "lines[0].amount"),
        ({"lines": [line(amount="NaN")]}, "invalid", "lines[0].amount"),
        ({"lines": [line(tax="1e400")]}, "invalid", "lines[0].tax"),
        ({"lines": [line(tax=None)]}, "invalid", "lines[0].tax"),
    ],
)
def test_a_bad_sale_is_refused_with_its_field(erp, changes, code, field):
    [result] = erp.create(sale(**changes))["results"]
    assert (result["ok"], result["error"]["code"], result["error"]["field"]) == (False, code, field)
    assert erp.by_key("k1") == []


def test_atomic_keeps_all_or_nothing(erp):
    refused = erp.create(sale("k1"), sale("k2", party=9), sale("k3"), atomic=True)
    assert (refused["code"], refused["field"]) == ("unknown_party", "[1].party")
    twice = erp.create(sale("k1"), sale("k2"), sale("k1"), atomic=True)
    assert (twice["code"], twice["field"]) == ("duplicate_key", "[2].external_key")
    assert erp.by_key("k1", "k2", "k3") == []

    taken = erp.create(sale("k1"), sale("k2"), atomic=True)

    assert [result["sale"]["external_key"] for result in taken["results"]] == ["k1", "k2"]


def test_a_call_takes_a_hundred_items_and_not_one_more(erp):
    assert len(erp.create(*(sale(f"k{n}") for n in range(100)))["results"]) == 100
    assert erp.call("POST", "/api/sales", [sale(f"x{n}") for n in range(101)])[0] == 413


@pytest.mark.parametrize("body", [{}, [], [1], "x", None])
def test_a_body_of_another_shape_is_refused(erp, body):
    assert erp.call("POST", "/api/sales", body)[0] == 400


def test_without_the_key_nothing_is_answered(erp):
    assert Client(erp.url, "wrong").call("GET", "/api/products")[0] == 401


def test_products_can_be_made_known(erp):
    assert erp.call("GET", "/api/products?code=NEW")[1] == {"products": []}
    assert erp.call("POST", "/api/products", {"code": "NEW", "list_price": "5.00"})[0] == 201
    [product] = erp.call("GET", "/api/products?code=NEW")[1]["products"]
    assert erp.created(sale(lines=[line(product=product["id"])]))["total"] == "1.19"


def test_the_list_goes_by_id_and_window(erp):
    for number in range(5):
        erp.created(sale(f"k{number}", placed_at=f"2026-11-20T1{number}:00:00+00:00"))
    window = {"shop": "s", "since": "2026-11-20T11:00:00+00:00", "until": "2026-11-20T14:00:00Z", "limit": "2"}

    first = erp.call("GET", "/api/sales", params=window)[1]
    second = erp.call("GET", "/api/sales", params={**window, "after": first["next"]})[1]

    assert [entry["external_key"] for entry in first["sales"]] == ["k1", "k2"]
    assert [entry["external_key"] for entry in second["sales"]] == ["k3"]
    assert second["next"] is None


# Keys, races and late commits


def test_an_enforced_key_is_taken_once_by_parallel_calls(erp):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: Client(erp.url).create(sale())["results"][0], range(6)))
    assert sorted(answer["ok"] for answer in answers) == [False] * 5 + [True]
    assert {answer["error"]["code"] for answer in answers if not answer["ok"]} == {"duplicate_key"}


def test_an_enforced_key_is_enforced_for_each_shop(erp):
    erp.created(sale())
    assert erp.created(sale(shop="other"))["external_key"] == "k1"


def test_sales_without_a_key_never_collide(erp):
    assert erp.created(sale(""))["id"] != erp.created(sale(""))["id"]


def test_without_enforcement_a_key_stands_twice_lowest_id_first(start):
    with start(enforce_key=False) as running:
        client = with_party(running.url)
        ids = [client.created(sale())["id"], client.created(sale())["id"]]
        assert [found["id"] for found in client.by_key("k1")] == sorted(ids)


def _confirmed_by_four(start, *, racy):
    with start(racy_confirm=racy, latency_ms=300) as running:
        client = with_party(running.url)
        made = client.created(sale())
        together = threading.Barrier(4)

        def confirm(_):
            together.wait()
            Client(running.url).advance("confirmed", made["id"])

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(confirm, range(4)))
        return len(client.by_key("k1")[0]["invoices"])


def test_parallel_confirmations_make_one_invoice(start, tmp_path):
    assert _confirmed_by_four(start, racy=False) == 1
    assert check_ledger(tmp_path / "erp.ledger", {"k1": Decimal("23.80")}) == []


def test_parallel_confirmations_of_a_racy_erp_each_make_one(start, tmp_path):
    # On a busy machine not all four need meet.
    invoices = _confirmed_by_four(start, racy=True)
    assert invoices > 1
    assert check_ledger(tmp_path / "erp.ledger", {"k1": Decimal("23.80")}) == [
        f"k1: sale 1 was confirmed {invoices} times"
    ]


def test_a_racy_erp_sees_the_state_of_a_confirmation_that_is_long_done(start):
    with start(racy_confirm=True) as running:
        client = with_party(running.url)
        made = client.created(sale())
        client.advance("confirmed", made["id"])
        client.advance("confirmed", made["id"])
        assert client.by_key("k1")[0]["invoices"] == [1]


def test_a_late_commit_brings_a_lower_id_after_a_higher_one_was_confirmed(start):
    with start(enforce_key=False) as running:
        client = with_party(running.url)
        running.plan.add(kind="drop_then_commit", path="/api/sales", after_s=1.5)
        with pytest.raises(requests.ConnectionError):
            client.create(sale())
        second = client.created(sale())
        client.advance("confirmed", second["id"])
        assert [found["id"] for found in client.by_key("k1")] == [second["id"]]

        wait_until(lambda: len(client.by_key("k1")) == 2)
        assert [(found["id"], found["state"]) for found in client.by_key("k1")] == [
            (second["id"] - 1, "draft"),
            (second["id"], "confirmed"),
        ]


def test_a_late_commit_loses_against_an_enforced_key(start):
    with start() as running:
        client = with_party(running.url)
        running.plan.add(kind="drop_then_commit", path="/api/sales", after_s=1.5)
        with pytest.raises(requests.ConnectionError):
            client.create(sale())
        second = client.created(sale())
        wait_until(lambda: not client.call("GET", "/_sandbox/info")[1]["pending_effects"])
        assert [found["id"] for found in client.by_key("k1")] == [second["id"]]


def test_a_late_confirmation_of_a_racy_erp_is_a_doubled_effect(start):
    with start(racy_confirm=True) as running:
        client = with_party(running.url)
        made = client.created(sale())
        running.plan.add(kind="drop_then_commit", path="/api/sales/advance", after_s=1.5)
        with pytest.raises(requests.ConnectionError):
            client.advance("confirmed", made["id"])
        client.advance("confirmed", made["id"])
        wait_until(lambda: len(client.by_key("k1")[0]["invoices"]) == 2)


def test_the_settle_bound_is_declared_and_no_fault_may_pass_it(start):
    with start(settle_s=1.5) as running:
        info = Client(running.url).call("GET", "/_sandbox/info")[1]
        assert (info["name"], info["settle_s"]) == ("sandbox-erp", 1.5)
        assert (
            Client(running.url).call("POST", "/_sandbox/faults", {"kind": "drop_then_commit", "after_s": 2})[0] == 400
        )


def test_a_request_that_waited_beyond_the_settle_bound_is_thrown_away(start):
    with start(settle_s=5.0) as running:
        client = with_party(running.url)
        status, body = client.call("POST", "/api/sales", [sale()], headers={"Sent-At": f"{time.time() - 5.1:.3f}"})
        assert (status, body["code"]) == (408, "too_late")
        assert client.by_key("k1") == []
        assert client.call("POST", "/api/sales", [sale()], headers={"Sent-At": f"{time.time():.3f}"})[0] == 200


def test_no_more_requests_are_worked_on_than_allowed(start):
    with start(concurrency=1, latency_ms=60) as running, concurrent.futures.ThreadPoolExecutor(3) as pool:
        began = time.monotonic()
        list(pool.map(lambda _: Client(running.url).call("GET", "/api/products"), range(3)))
        assert time.monotonic() - began >= 0.18


# Spoiling the books


def test_somebody_at_the_database_can_spoil_the_books_for_good(start, tmp_path):
    with start() as running:
        client = with_party(running.url)
        ids = [client.created(sale(key))["id"] for key in ("k1", "k2", "k3")]
        client.advance("confirmed", *ids)
        assert client.call("DELETE", f"/_sandbox/sales/{ids[0]}")[0] == 204
        assert client.call("PATCH", f"/_sandbox/sales/{ids[1]}", {"total": "23.81"})[1]["total"] == "23.81"
        assert client.call("POST", f"/_sandbox/sales/{ids[2]}/double")[1]["external_key"] == "k3"
        assert client.call("DELETE", "/_sandbox/sales/99")[0] == 404
        standing = [(found["id"], found["total"]) for found in client.by_key("k1", "k2", "k3")]
        assert standing == [(2, "23.81"), (3, "23.80"), (4, "23.80")]
    with start() as running:
        assert [(found["id"], found["total"]) for found in Client(running.url).by_key("k1", "k2", "k3")] == standing
    assert check_ledger(tmp_path / "erp.ledger", dict.fromkeys(("k1", "k2", "k3"), Decimal("23.80"))) == [
        "k1: missing",
        "k2: sale 2 has the total 23.81, not 23.80",
        "k3: doubled, sales 3, 4",
    ]


# Restart


def test_a_restart_goes_on_from_the_ledger(start):
    with start() as running:
        client = with_party(running.url)
        first, second, third = (client.created(sale(key)) for key in ("k1", "k2", "k3"))
        client.advance("confirmed", first["id"])
        client.advance("cancelled", second["id"])
        client.call("DELETE", f"/api/sales/{third['id']}")
        client.call("POST", "/api/products", {"code": "NEW"})
        before = client.by_key("k1", "k2", "k3")

    with start() as running:
        client = Client(running.url)
        assert client.by_key("k1", "k2", "k3") == before
        assert client.create(sale("k1"))["results"][0]["error"]["code"] == "duplicate_key"
        assert len(client.call("GET", "/api/products?code=NEW")[1]["products"]) == 1
        fourth = client.created(sale("k4"))
        assert fourth["id"] > third["id"]
        [confirmed] = client.advance("confirmed", fourth["id"])
        assert (confirmed["sale"]["number"], confirmed["sale"]["invoices"]) == ("SO000002", [2])


@pytest.mark.slow
def test_the_process_says_where_it_is_survives_kill_9_and_stops_on_sigterm(tmp_path: Path):
    ledger = tmp_path / "erp.ledger"
    command = [sys.executable, "-m", "connectors.sandbox.erp", "--ledger", str(ledger), "--latency-ms", "0"]

    def started():
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    process, ready = started()
    try:
        client = with_party(ready["url"])
        made = client.created(sale())
        client.advance("confirmed", made["id"])
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)

    assert check_ledger(ledger, {"k1": Decimal("23.80")}) == []
    process, ready = started()
    try:
        assert Client(ready["url"]).by_key("k1")[0]["state"] == "confirmed"
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
