"""The ledger checker names each fault, and only faults."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.sandbox.erp.audit import check_ledger
from connectors.sandbox.ledger import Entry, Ledger

EXPECTED = {"k1": Decimal("23.80")}


def created(number, key="k1", total="23.80"):
    return Entry("sale.create", key, str(number), total)


def confirmed(number, key="k1"):
    return Entry("sale.confirm", key, str(number), "23.80")


def verdict(tmp_path, *entries, expected=EXPECTED):
    path = tmp_path / "erp.ledger"
    with Ledger(path) as ledger:
        ledger.append_many(entries)
    return check_ledger(path, expected)


def test_one_confirmed_sale_with_the_right_total_is_right(tmp_path):
    party = Entry("party.create", "email:a@b.c", "1")
    assert verdict(tmp_path, party, created(1), Entry("sale.quote", "k1", "1"), confirmed(1)) == []


def test_the_scale_of_a_total_does_not_matter(tmp_path):
    assert verdict(tmp_path, created(1, total="23.8"), confirmed(1)) == []


def test_a_deleted_draft_of_a_lost_race_is_no_fault(tmp_path):
    assert verdict(tmp_path, created(1), created(2), Entry("sale.delete", "k1", "2"), confirmed(1)) == []


@pytest.mark.parametrize(
    ("entries", "faults"),
    [
        ([], ["k1: missing"]),
        ([created(1)], ["k1: sale 1 is not confirmed"]),
        ([created(1), confirmed(1), Entry("sale.cancel", "k1", "1")], ["k1: missing"]),
        ([created(1), Entry("sale.delete", "k1", "1")], ["k1: missing"]),
        ([created(1, total="23.81"), confirmed(1)], ["k1: sale 1 has the total 23.81, not 23.80"]),
        ([created(1), confirmed(1), created(2)], ["k1: doubled, sales 1, 2"]),
        ([created(1), confirmed(1), created(2, "k9")], ["k9: sale 2 is foreign"]),
        ([created(1), confirmed(1), created(2, "")], ["no key: sale 2 is foreign"]),
        ([created(1), confirmed(1), confirmed(1)], ["k1: sale 1 was confirmed 2 times"]),
        (
            [created(1), confirmed(1), created(2), confirmed(2)],
            ["k1: doubled, sales 1, 2", "k1: confirmed as sales 1, 2"],
        ),
        (
            [created(1), confirmed(1), created(2), confirmed(2), Entry("sale.cancel", "k1", "2")],
            ["k1: confirmed as sales 1, 2"],
        ),
        (
            [created(1), confirmed(1), Entry("party.create", "p", "1"), Entry("party.create", "p", "2")],
            ["party p was created 2 times"],
        ),
    ],
)
def test_every_fault_is_named(tmp_path, entries, faults):
    assert verdict(tmp_path, *entries) == faults


def test_all_faults_are_told_at_once(tmp_path):
    expected = {"k1": Decimal("1.00"), "k2": Decimal(2), "k3": Decimal("23.80")}
    assert verdict(tmp_path, created(1), confirmed(1), created(3, "k3"), expected=expected) == [
        "k1: sale 1 has the total 23.80, not 1.00",
        "k2: missing",
        "k3: sale 3 is not confirmed",
    ]
