"""How long a look-up that finds nothing is not believed."""

from __future__ import annotations

import pytest

from config.model import Connection
from sync.rules.systems import settle_s
from tests.sync.flows.erp import Erp

DEADLINE_S = 30.0


@pytest.fixture
def target() -> Erp:
    erp = Erp()
    erp.write_deadline_s = DEADLINE_S
    erp.settle_bound_s = None
    return erp


def test_the_connections_settle_time_counts(target):
    assert settle_s(Connection(name="erp", system="tryton", url="https://erp", settle_s=200.0), target) == 200.0


@pytest.mark.parametrize("enforced", [True, False])
def test_it_is_never_less_than_the_deadline_and_a_minute_for_the_key_does_not_protect_the_confirm(target, enforced):
    target.keys = Erp(enforced=enforced).keys
    assert settle_s(Connection(name="erp", system="tryton", url="https://erp", settle_s=5.0), target) == DEADLINE_S + 60


def test_a_target_that_knows_its_bound_says_so(target):
    target.settle_bound_s = 2.5
    assert settle_s(Connection(name="erp", system="tryton", url="https://erp", settle_s=200.0), target) == 2.5
