"""The proof of an ERP's key: whatever happens on the way, nothing stays that is not named."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connectors.kit.base import ConnectorSettings
from connectors.kit.findings import Level
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.products import default_products
from connectors.sandbox_erp import SandboxErp
from sync.desk.doctor import prove_key
from sync.desk.doctor.report import KIND, key_subject
from sync.store.audit import Actor
from sync.store.reports import last_report
from sync.store.tables import audit, reports
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

ACTOR = Actor("ina", "terminal here")


class Place:
    """An ERP and whoever proves its key."""

    def __init__(self, erp, store):
        self.erp, self.store = erp, store

    def target(self, **options):
        settings = ConnectorSettings(
            name="erp", url=self.erp.url, key=self.erp.options.api_key, deadline_s=PATIENCE_S,
            allow_hosts=("127.0.0.1",), options=options,
        )  # fmt: skip
        return SandboxErp(settings)

    def prove(self, target=None, settle_s=0.0):
        return prove_key(self.store, target or self.target(), "erp", settle_s=settle_s, actor=ACTOR)

    def sales(self):
        return list(self.erp.books.state.sales.values())

    def kept(self):
        return self.store.read(lambda c: last_report(c, KIND, key_subject("erp")))


@pytest.fixture
def place(sqlite_store):
    with running_erp(options=ErpOptions(settle_s=PATIENCE_S), products=default_products(5)) as erp:
        yield Place(erp, sqlite_store)


@pytest.fixture
def lax(sqlite_store):
    """An ERP that takes a second sale with the same key."""
    with running_erp(options=ErpOptions(enforce_key=False), products=default_products(5)) as erp:
        yield Place(erp, sqlite_store)


def test_an_enforced_key_is_proven_and_nothing_is_left(place):
    proof = place.prove()
    assert (proof.ok, proof.finding.level, proof.left) == (True, Level.OK, ())
    assert place.sales() == []
    assert place.kept().ok
    assert place.kept().body["state"] == "done"


def test_the_proof_is_written_down_with_its_key_before_the_first_call(place):
    target = place.target()
    seen = []
    inner = target.create_sales

    def create(payloads):
        seen.append((place.kept().body["state"], place.kept().body["key"], payloads[0]["external_key"]))
        return inner(payloads)

    target.create_sales = create
    place.prove(target)
    [(state, key, sent), *_] = seen
    assert (state, key) == ("begun", sent)
    [row] = place.store.read(lambda c: list(c.execute(select(audit))))
    assert (row.actor, row.action, row.subject, row.after) == ("ina", "prove key", "connection:erp", key)


def test_a_key_that_is_declared_and_not_enforced_fails_and_both_sales_are_removed(lax):
    proof = lax.prove()
    assert (proof.ok, proof.finding.level) == (False, Level.FAIL)
    assert "was taken" in proof.finding.found
    assert lax.sales() == []
    assert not lax.kept().ok


def test_where_no_key_is_enforced_nothing_is_written_and_it_says_what_to_do(place):
    proof = place.prove(place.target(enforced_key=False))
    assert proof.finding.level is Level.WARN
    assert proof.finding.next_step
    assert place.erp.server.ledger.count == 0
    assert place.kept() is None


def test_a_process_that_dies_between_the_two_calls_leaves_a_sale_that_the_next_proof_removes(place):
    target = place.target()
    inner = target.create_sales
    calls = []

    def create(payloads):
        if calls:
            raise KeyboardInterrupt
        calls.append(payloads)
        return inner(payloads)

    target.create_sales = create
    with pytest.raises(KeyboardInterrupt):
        place.prove(target)
    assert len(place.sales()) == 1
    assert place.kept().body["state"] == "begun"

    assert place.prove().ok
    assert place.sales() == []


def test_while_the_earlier_sale_may_still_land_no_new_proof_is_begun(place):
    target = place.target()
    target.create_sales = lambda payloads: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        place.prove(target)
    begun = place.kept().id
    proof = place.prove(settle_s=3600)
    assert proof.finding.level is Level.UNKNOWN
    assert "may still land" in proof.finding.found
    assert place.kept().id == begun
    assert place.prove(settle_s=0).ok


def test_a_first_call_without_an_answer_stays_open_and_is_cleared_up_later(place):
    place.erp.plan.add(kind="close", method="POST", path="/api/sales", effect="before")
    proof = place.prove()
    assert proof.finding.level is Level.UNKNOWN
    assert place.kept().body["state"] == "begun"
    assert len(place.sales()) == 1
    assert place.prove().ok
    assert place.sales() == []


def test_a_sale_that_cannot_be_deleted_is_named(place):
    target = place.target()
    inner = target.create_sales

    def create(payloads):
        results = inner(payloads)
        for result in results:
            if result.document is not None:
                # Somebody confirms it at this very moment.
                place.erp.books.decide_advance(int(result.document.external_id), "confirmed")()
        return results

    target.create_sales = create
    proof = place.prove(target)
    [left] = proof.left
    assert (proof.ok, proof.finding.level) == (False, Level.WARN)
    assert left in proof.finding.found
    assert "by hand" in proof.finding.next_step
    assert "confirmed" in left


def test_an_erp_that_is_away_writes_nothing_down(place):
    target = place.target()
    place.erp.server.close()
    proof = place.prove(target)
    assert proof.finding.level is Level.UNKNOWN
    assert place.store.read(lambda c: list(c.execute(select(reports)))) == []


def test_a_refused_test_sale_fails_and_closes(place):
    target = place.target()
    inner = target.test_sale
    target.test_sale = lambda key: {**inner(key), "currency": "nonsense"}
    proof = place.prove(target)
    assert proof.finding.level is Level.FAIL
    assert place.kept().body["state"] == "done"
