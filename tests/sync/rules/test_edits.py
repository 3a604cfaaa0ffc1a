"""An edit is told by what differs."""

from __future__ import annotations

from config.model import Owner
from sync.flows.facets.changes import Difference
from sync.rules.edits import apart


def test_of_the_lines_only_those_that_are_not_the_same_everywhere_are_told():
    was, wanted = "1 x A = 2.00, 1 x B = 1.00, 1 x A = 2.00", "1 x A = 2.00, 3 x B = 3.00, 1 x A = 2.00"
    assert apart("lines", [was, wanted, was]) == ["1 x B = 1.00", "3 x B = 3.00", "1 x B = 1.00"]
    assert apart("note", ["same, a", "same, b"]) == ["same, a", "same, b"]


def test_what_the_erp_has_is_told_only_where_somebody_changed_it_there():
    told = str(Difference("note", "", "ring twice", "", Owner.SHOP).told)
    assert told == "Note: the shop says 'ring twice', it was ''"
    assert str(Difference("note", "", "ring", "knock", Owner.SHOP).told).endswith("it was '', the ERP has 'knock'")
