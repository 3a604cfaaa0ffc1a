"""A database that was put back to an older state is noticed, however young the copy is."""

import pytest
import structlog
from sqlalchemy import insert

from config.model import Channel
from sync.store import singletons
from sync.store.channels import channel_state, start_channel
from sync.store.singletons import SCHEDULER
from sync.store.tables import intents, work_items
from sync.work.trust import begin_channel, notice_return
from sync.work.witness import Witness
from tests.databases import now

CHANNEL = Channel(name="shop-de", source="shop", erp="erp")


@pytest.fixture
def store(store):
    store.write(lambda c: start_channel(c, "shop-de", None))
    store.write(lambda c: singletons.take(c, SCHEDULER, "host:1", 15.0))
    return store


@pytest.fixture
def witness(tmp_path):
    return Witness(tmp_path / "state" / "witness")


def write_to_the_erp(store):
    """The row that is committed before; answers its number."""
    item = {"channel": "shop-de", "kind": "order", "external_id": "1", "due_at": now()}
    item |= {"created_at": now(), "updated_at": now()}
    values = {"channel": "shop-de", "connection": "erp", "kind": "sale", "action": "create", "key": "1"}
    values |= {"lease_token": "t", "sent_at": now(), "settles_at": now(), "closed_at": now()}

    def write(connection):
        item_id = connection.execute(insert(work_items).values(**item).returning(work_items.c.id)).scalar_one()
        return connection.execute(
            insert(intents).values(**values, item_id=item_id).returning(intents.c.id)
        ).scalar_one()

    return store.write(write)


def goes_back(store):
    store.write(lambda c: [c.execute(table.delete()) for table in (intents, work_items)])


def trusted_since(store):
    return store.read(lambda c: channel_state(c, "shop-de")).trusted_since


@pytest.mark.fault("A23")
def test_what_has_forgotten_a_write_is_not_trusted_from_then_on(store, witness, tmp_path):
    before = trusted_since(store)
    number = write_to_the_erp(store)
    notice_return(store, witness)
    assert (trusted_since(store), witness.seen()) == (before, number)
    assert (tmp_path / "state" / "witness").stat().st_mode & 0o777 == 0o600
    goes_back(store)
    notice_return(store, witness)
    after = trusted_since(store)
    # A shop's clock may go ahead of ours.
    assert after > now()
    # Noticed once, whoever looks next.
    notice_return(store, witness)
    store.write(lambda c: begin_channel(c, CHANNEL))
    assert (trusted_since(store), witness.seen()) == (after, 0)


def test_a_machine_that_has_seen_nothing_yet_believes_the_database(store, witness):
    before = trusted_since(store)
    write_to_the_erp(store)
    notice_return(store, witness)
    assert trusted_since(store) == before


@pytest.mark.parametrize("content", ["", "no number\n", "\u20ac"])
def test_a_memory_that_nobody_can_read_is_none(store, witness, tmp_path, content):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "witness").write_text(content, "utf-8")
    assert witness.seen() == 0
    number = write_to_the_erp(store)
    notice_return(store, witness)
    assert witness.seen() == number


def test_a_folder_that_nobody_can_write_to_costs_the_memory_and_nothing_else(store, tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    write_to_the_erp(store)
    witness = Witness(tmp_path / "state" / "witness")
    with structlog.testing.capture_logs() as lines:
        notice_return(store, witness)
    assert ([line["event"] for line in lines], witness.seen()) == (["witness_failed"], 0)
