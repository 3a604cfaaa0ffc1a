"""Documents that hang on orders: seen again and again they stay one, and what was made from which is kept."""

from __future__ import annotations

import dataclasses

import pytest

from sync.store.bodies import digest, dump_json, pack
from sync.store.documents import (
    Seen,
    end_others,
    load_body,
    load_documents,
    numbers_of_others,
    orders_of_documents,
    save_made,
    save_seen,
    trace_documents,
)
from sync.store.files import load_file, load_file_of, newest_files, save_file
from tests.sync.flows.world import World


@pytest.fixture
def world(store):
    made = World(store)
    for _ in range(2):
        made.shop.place()
    made.carry()
    return made


def seen(order_id, kind="invoice", external_id="7", **fields):
    body = dump_json({name: value for name, value in fields.items() if name != "part"})
    return Seen(order_id=order_id, connection="erp", kind=kind, external_id=external_id, digest=digest(body),
                body=pack(body), **fields)  # fmt: skip


def first_order(world):
    return world.bindings()[0].order_id


def test_what_is_seen_again_is_one_and_as_it_stands_now(world):
    order_id = first_order(world)
    for state in ("draft", "posted", "posted"):
        ids = world.write(lambda c, state=state: save_seen(c, [seen(order_id, state=state)]))
    [document] = world.store.read(lambda c: load_documents(c, [order_id]))[order_id]
    assert (document.id, document.state) == (ids["erp", "invoice", "7"], "posted")
    assert world.store.read(lambda c: load_body(c, document.id))


def test_what_is_gone_there_ends_and_comes_back_when_it_is_seen_again(world):
    order_id = first_order(world)
    world.write(lambda c: save_seen(c, [seen(order_id), seen(order_id, external_id="8")]))
    assert world.write(lambda c: end_others(c, order_id, "erp", ["invoice"], ["8"])) == 1
    assert [doc.external_id for doc in world.store.read(lambda c: load_documents(c, [order_id]))[order_id]] == ["8"]
    world.write(lambda c: save_seen(c, [seen(order_id)]))
    assert len(world.store.read(lambda c: load_documents(c, [order_id]))[order_id]) == 2


def test_one_document_is_made_from_one_and_a_new_one_takes_its_place(world):
    order_id = first_order(world)
    ids = world.write(lambda c: save_seen(c, [seen(order_id, kind="shipment")]))
    origin = ids["erp", "shipment", "7"]
    note = dataclasses.replace(seen(order_id, kind="note", external_id="n1"), connection="shop")
    world.write(lambda c: save_made(c, note, origin, "d1"))
    world.write(lambda c: save_made(c, note, origin, "d2"))
    again = dataclasses.replace(note, external_id="n2")
    world.write(lambda c: save_made(c, again, origin, "d3"))
    made = [doc for doc in world.store.read(lambda c: load_documents(c, [order_id]))[order_id] if doc.made_from]
    assert [(doc.external_id, doc.made_from, doc.made_digest) for doc in made] == [("n2", origin, "d3")]


def test_a_number_that_another_document_bears_is_found(world):
    order_id = first_order(world)
    world.write(lambda c: save_seen(c, [seen(order_id, number="R1"), seen(order_id, external_id="8", number="R2")]))
    read = world.store.read
    assert read(lambda c: numbers_of_others(c, "erp", ["R1", "R2"], ["7", "8"])) == {}
    assert read(lambda c: numbers_of_others(c, "erp", ["R1"], ["9"])) == {"R1": "7"}
    assert read(lambda c: numbers_of_others(c, "other", ["R1"], ["9"])) == {}


def test_an_order_is_found_by_what_hangs_on_it(world):
    order_id = first_order(world)
    world.write(lambda c: save_seen(c, [seen(order_id)]))
    assert world.store.read(lambda c: orders_of_documents(c, "erp", "invoice", ["7", "8"])) == {"7": order_id}


def test_files_are_kept_under_tokens_that_nobody_can_guess(world):
    order_id = first_order(world)
    [document_id] = world.write(lambda c: save_seen(c, [seen(order_id)])).values()
    first = world.write(lambda c: save_file(c, document_id, "a.odt", "application/x", b"one", facts="f1"))
    second = world.write(lambda c: save_file(c, document_id, "a.odt", "application/x", b"two", facts="f2"))
    assert first.token != second.token
    assert len(first.token) > 40
    assert world.store.read(lambda c: newest_files(c, [document_id])) == {document_id: second}
    assert world.store.read(lambda c: load_file(c, first.token)) == (first, b"one")
    assert world.store.read(lambda c: load_file(c, "nobody's")) is None


def test_a_collected_invoice_hangs_on_each_of_its_orders(world):
    one, two = (binding.order_id for binding in world.bindings())
    world.write(lambda c: save_seen(c, [seen(one), seen(two)]))
    world.write(lambda c: save_seen(c, [seen(two, state="posted")]))
    found = world.store.read(lambda c: load_documents(c, [one, two]))
    assert {order_id: [doc.state for doc in docs] for order_id, docs in found.items()} == {
        one: ["posted"],
        two: ["posted"],
    }
    assert {doc.id for docs in found.values() for doc in docs} == {found[one][0].id}
    world.write(lambda c: end_others(c, two, "erp", ["invoice"], []))
    assert list(world.store.read(lambda c: load_documents(c, [one, two]))) == [one]


def test_each_order_of_a_collected_invoice_keeps_its_own_part_of_it(world):
    one, two = (binding.order_id for binding in world.bindings())
    world.write(lambda c: save_seen(c, [seen(one, part="10.00")]))
    world.write(lambda c: save_seen(c, [seen(two, part="5.00")]))
    for order_id, other, part in ((one, two, "10.00"), (two, one, "5.00")):
        [traced] = world.store.read(lambda c, of=order_id: trace_documents(c, of))
        assert (traced.part, traced.shared_with) == (part, (other,))
    assert [len(docs) for docs in world.store.read(lambda c: load_documents(c, [one, two])).values()] == [1, 1]


def test_the_file_of_a_collected_invoice_is_each_of_its_orders(world):
    one, two = (binding.order_id for binding in world.bindings())
    [document_id] = world.write(lambda c: save_seen(c, [seen(one)])).values()
    kept = world.write(lambda c: save_file(c, document_id, "a.odt", "application/x", b"one", facts="f1"))
    assert world.store.read(lambda c: load_file_of(c, kept.token, two)) is None
    world.write(lambda c: save_seen(c, [seen(two)]))
    assert world.store.read(lambda c: load_file_of(c, kept.token, two)) == (kept, b"one")
