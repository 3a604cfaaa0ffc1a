"""A customer is taken out of everything that we keep, and the accounts stay."""

from __future__ import annotations

import copy
import zlib

import pytest
from sqlalchemy import func, select

from config.model import Carry, Depth, InvoiceNews
from sync.desk.corrections import draft_of, keep_correction
from sync.desk.erasing import NotErased, erase_again, erase_customer, traces_of
from sync.desk.passport import passport
from sync.desk.proof import prove_channel
from sync.desk.steering import approve_order
from sync.store.audit import Actor, record_audit
from sync.store.lookups import save_lookup
from sync.store.orders import find_orders
from sync.store.reports import save_report
from sync.store.tables import audit, documents, erasures, files, metadata, orders
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback

ANNA = Actor("anna", "terminal here")
EMAIL = "zoe.quandt@example.test"
SECRETS = ("Zoë-Maria", "Quandtmann", EMAIL, "Uferpromenade", "+49 171 5550123", "Quandtmann & Co", "Wohnung hinten")
ADDRESS = {
    "first_name": "Zoë-Maria",
    "last_name": "Quandtmann",
    "company": "Quandtmann & Co",
    "address_1": "Uferpromenade 17b",
    "address_2": "Wohnung hinten",
    "city": "Berlin",
    "postcode": "10115",
    "country": "DE",
    "phone": "+49 171 5550123",
}


def bought(trade, **fields):
    person = {"billing": {**ADDRESS, "email": EMAIL}, "shipping": ADDRESS, "customer_note": "Zoë-Maria wartet"}
    return trade.buy((TEA, 2), (POT, 1), **{**person, **fields})


def everything(store):
    """Table -> all that stands in it, unpacked, as one text."""

    def shown(value):
        if not isinstance(value, bytes):
            return str(value)
        try:
            return zlib.decompress(value).decode()
        except zlib.error:
            return value.decode("latin-1")

    def work(connection):
        return {
            table.name: "\n".join(shown(value) for row in connection.execute(select(table)) for value in row)
            for table in metadata.sorted_tables
        }

    return store.read(work)


def named(store, secrets=SECRETS):
    """(table, what of the customer stands in it)."""
    return [
        (table, secret)
        for table, content in everything(store).items()
        for secret in secrets
        if any(form.lower() in content.lower() for form in (secret, secret.encode("unicode_escape").decode()))
    ]


@pytest.fixture
def trade(store):
    after = {"refunds": Depth.POSTED, "payments": Depth.POSTED, "post_invoices": True, "edits": Carry.HOLD}
    with trading(store, invoices=InvoiceNews.LINK, **after) as made:
        yield made


def lived(trade):
    """An order with everything that may hang on one, at its end."""
    number = bought(trade)
    trade.carry()
    moved = {**ADDRESS, "address_1": "Uferpromenade 99"}
    trade.in_shop("PUT", f"orders/{number}", {"shipping": moved})
    trade.carry()
    assert trade.causes() == {"changed_after_import": 1}
    [order] = trade.store.read(lambda c: find_orders(c, number, {CHANNEL: "erp"}))
    approve_order(trade.store, order, actor=ANNA, reason="Frau Quandtmann hat angerufen")
    trade.carry()
    # As one who packs may write it where there is no number.
    parcels = [{"number": "Quandtmann & Co", "url": ""}]
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": parcels})
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "3.00", "reason": "Quandtmann", "api_refund": False})
    for _ in range(3):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    return number


def test_nothing_of_a_customer_is_left_and_the_accounts_are(trade):
    number, other = lived(trade), trade.buy((POT, 1))
    trade.carry()
    store = trade.store
    store.write(lambda c: save_lookup(c, "party", "connection:erp", EMAIL.upper(), "4711", by="anna"))
    store.write(lambda c: record_audit(c, ANNA, "lookup", f"party:{EMAIL}", after=f"{EMAIL} is 4711"))
    store.write(lambda c: save_report(c, "proof", CHANNEL, ok=True, body={"differences": [f"of {EMAIL}"]}))
    holders = {"orders", "payloads", "documents", "tracking_numbers", "audit", "lookups", "reports", "exchanges"}
    assert {table for table, _ in named(store)} >= holders
    before = {row.number: (row.grand, row.currency, row.placed_on) for row in trade.orders()}
    kept = trade.rows(select(documents.c.kind, documents.c.total, documents.c.state).order_by(documents.c.id))

    found = traces_of(store, EMAIL)
    assert ([order.number for order in found.orders], bool(found.payloads)) == ([number], True)
    assert named(store) != []
    erase_customer(store, trade.config, EMAIL.upper(), actor=ANNA)
    assert named(store) == []

    assert {row.number: (row.grand, row.currency, row.placed_on) for row in trade.orders()} == before
    assert trade.rows(select(documents.c.kind, documents.c.total, documents.c.state).order_by(documents.c.id)) == kept
    note = trade.rows(select(audit.c.subject).where(audit.c.action == "erase"))
    assert [row.subject for row in note] == [f"order:{CHANNEL}:{number}"]
    [page] = passport(store, trade.config, number, exchanges=True)
    assert (page["number"], page["order"]["billing"]["country"]) == (number, "DE")
    assert prove_channel(store, trade.systems.channel(CHANNEL)).holds
    assert "Ada" in everything(store)["orders"]
    assert trade.item(other).state == "done"
    # Again is harmless, and there is nothing more.
    assert traces_of(store, EMAIL).orders == []
    assert erase_customer(store, trade.config, EMAIL, actor=ANNA).orders == []


def test_what_the_shop_still_says_of_the_order_does_not_come_back(trade):
    number = lived(trade)
    erase_customer(trade.store, trade.config, EMAIL, actor=ANNA)
    sales = trade.sale(number)
    trade.in_shop("PUT", f"orders/{number}", {"customer_note": "Quandtmann bittet um Rückruf"})
    trade.mark_again(number)
    trade.carry()
    item = trade.item(number)
    assert (item.state, item.reason[:29]) == ("skipped", "its customer was erased here ")
    assert trade.sale(number) == sales
    assert [table for table, _ in named(trade.store)].count("orders") == 0
    # What was received is gone by the next morning.
    assert erase_again(trade.store, trade.config) == 1
    assert named(trade.store) == []
    assert erase_again(trade.store, trade.config) == 0


def test_an_order_that_is_still_open_is_not_touched(trade):
    number = bought(trade, status="on-hold", set_paid=False)
    trade.carry()
    assert trade.item(number).state == "waiting"
    before = everything(trade.store)
    with pytest.raises(NotErased, match=rf"still open \({number}\): let them end"):
        erase_customer(trade.store, trade.config, EMAIL, actor=ANNA)
    assert everything(trade.store) == before


def test_a_customer_of_whom_there_is_only_a_payload_is_erased_too(trade):
    number = bought(trade, status="cancelled", set_paid=False)
    trade.carry()
    assert trade.item(number).state == "skipped"
    erase_customer(trade.store, trade.config, EMAIL, actor=ANNA)
    assert named(trade.store) == []


def test_a_customer_is_found_by_the_key_of_the_erp_too(trade):
    number = bought(trade)
    trade.carry()
    [key] = trade.rows(select(metadata.tables["intents"].c.key).where(metadata.tables["intents"].c.kind == "party"))
    assert [order.number for order in traces_of(trade.store, key.key).orders] == [number]
    erase_customer(trade.store, trade.config, key.key, actor=ANNA)
    assert named(trade.store) == []
    assert trade.rows(select(func.count()).select_from(erasures))[0][0] == 1


def test_the_files_of_their_invoices_go_and_others_stay(trade):
    lived(trade)
    other = trade.buy((POT, 1))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(other)}/send", {})
    for _ in range(2):
        trade.carry()
    whose = select(orders.c.number).join(documents, documents.c.order_id == orders.c.id)
    whose = whose.join(files, files.c.document_id == documents.c.id).distinct()
    assert len(trade.rows(whose)) == 2
    erase_customer(trade.store, trade.config, EMAIL, actor=ANNA)
    assert [row.number for row in trade.rows(whose)] == [other]


def test_what_was_deleted_cannot_be_read_in_the_file_either(sqlite_store, tmp_path):
    with trading(sqlite_store) as trade:
        bought(trade)
        trade.carry()
        erase_customer(sqlite_store, trade.config, EMAIL, actor=ANNA)
        sqlite_store.write(lambda c: record_audit(c, ANNA, "x", "y"))
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    content = (tmp_path / "crossdock.sqlite").read_bytes()
    assert EMAIL.encode() not in content


def test_what_was_corrected_of_an_order_is_forgotten_too_and_that_it_was_stays(trade):
    number = bought(trade)
    trade.carry()
    [order] = trade.store.read(lambda c: find_orders(c, number, {CHANNEL: "erp"}))
    found = draft_of(trade.store, trade.systems.channel(CHANNEL), order)
    document = copy.deepcopy(found.document)
    document["note"] = "Quandtmann, dritter Stock"
    for part in ("customer", "billing"):
        document[part]["email"] = "zoe@new.example.test"
    keep_correction(
        trade.store,
        trade.systems.channel(CHANNEL),
        order,
        document,
        seen=found.seen,
        actor=ANNA,
        reason="Frau Quandtmann hat angerufen",
    )
    trade.carry()
    if trade.causes():
        approve_order(trade.store, order, actor=ANNA, reason="so gewollt")
        trade.carry()
    assert "corrections" in {table for table, _ in named(trade.store)}
    # By the address that she had before, too.
    assert [each.number for each in traces_of(trade.store, EMAIL).orders] == [number]
    erase_customer(trade.store, trade.config, EMAIL, actor=ANNA)
    assert named(trade.store, (*SECRETS, "zoe@new.example.test")) == []
    [page] = passport(trade.store, trade.config, number)
    assert [(each["by"], each["changes"]) for each in page["corrections"]] == [("anna", [])]
