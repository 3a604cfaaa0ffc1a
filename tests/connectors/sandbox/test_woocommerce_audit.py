"""The verdict over what a shop was told: each thing that must not happen turns it red."""

from __future__ import annotations

import pytest

from connectors.sandbox.ledger import Entry, Ledger
from connectors.sandbox.woocommerce.audit import Told, check_told

WANTED = {"5": Told(parcels=frozenset({"T1", "T2"}), invoices=1, status="completed")}


def meta(**values):
    return [{"key": key, "value": value} for key, value in values.items()]


def order(status="completed", numbers=("I-1",)):
    shown = [{"number": number} for number in numbers]
    lines = [{"id": 8, "quantity": 3}]
    document = {"status": status, "line_items": lines, "meta_data": meta(_crossdock_invoices=shown)}
    return Entry("order.update", "5", "5", document=document)


def parcel(number, key, tracking, pieces=1, effect="create"):
    values = {"_crossdock_key": key, "_tracking_number": tracking, "_items": [{"item_id": 8, "qty": pieces}]}
    return Entry(f"fulfillment.{effect}", "5", number, document={"order_id": 5, "meta_data": meta(**values)})


def note(number, text):
    return Entry("note.create", "5", number, document={"order_id": 5, "note": text})


GOOD = (order(), parcel("1", "5-1", "T1", 2), note("4", "1 x Tea\nParcel T2\nRef. 5-2"))
BAD = {
    "a parcel under the same key twice": ((parcel("2", "5-1", "T1", 0),), "5-1 was told 2 times"),
    "a parcel under two keys": ((parcel("2", "5-3", "T1", 0),), "parcel T1 was told 2 times"),
    "a note twice": ((note("5", "Parcel T2\nRef. 5-2"),), "5-2 was told 2 times"),
    "a parcel that nobody expected": ((parcel("2", "5-3", "T9", 1),), "parcel T9 was not expected"),
    "more pieces than were ordered": ((parcel("1", "5-1", "T1", 4, "update"),), "4 pieces of line 8"),
    "a parcel that was taken back": ((parcel("1", "5-1", "T1", 2, "delete"),), "parcel T1 was never told"),
    "an invoice twice": ((order(numbers=("I-1", "I-1")),), "it shows the invoices I-1, I-1"),
    "no invoice": ((order(numbers=()),), "it shows the invoices none"),
    "another state": ((order(status="processing"),), "it is 'processing'"),
}


def judged(path, *entries):
    with Ledger(path) as ledger:
        for entry in entries:
            ledger.append(entry)
    return check_told(path, WANTED)


def test_each_thing_told_once_is_right_and_what_people_did_is_theirs(tmp_path):
    theirs = (
        note("9", "called the customer"),
        Entry("fulfillment.create", "5", "9", document={"order_id": 5, "meta_data": []}),
    )
    assert judged(tmp_path / "ledger", *GOOD, *theirs) == []


@pytest.mark.parametrize("name", BAD)
def test_whatever_must_not_happen_is_named(tmp_path, name):
    entries, fault = BAD[name]
    assert any(fault in found for found in judged(tmp_path / "ledger", *GOOD, *entries))


def test_an_order_that_nobody_wrote_to_lacks_all_of_it(tmp_path):
    assert len(judged(tmp_path / "ledger", note("1", "hello"))) == 4
