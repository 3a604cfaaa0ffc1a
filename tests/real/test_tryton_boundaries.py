"""kill -9 against a real Tryton: the boundaries around its writes, for one order and for a batch."""

from __future__ import annotations

import dataclasses

import pytest

from tests.boundaries.cases import Case
from tests.boundaries.conftest import *  # noqa: F403 -- the driver's fixtures
from tests.boundaries.conftest import INTENT
from tests.boundaries.erps import site_to_json
from tests.shared import THOROUGH

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]

#: At most so many; each takes the lease and the settle time of real calls.
CHOSEN = 20 if THOROUGH else 6


@pytest.fixture
def survives_around_the_writes(survives, boundaries_of):
    def check(case):
        names = boundaries_of(case)
        first = next(number for number, name in enumerate(names, 1) if INTENT in name)
        telling = [
            number
            for number, name in enumerate(names, 1)
            if number >= first and name.startswith(("write committed", "sent", "answered POST"))
        ]
        stride = max(1, -(-len(telling) // CHOSEN))
        survives(dataclasses.replace(case, only=tuple(telling[::stride])))

    return check


@pytest.mark.parametrize("customers", [("new",), ("known", "new", "new")], ids=["one order", "a batch of three"])
def test_tryton_has_every_order_once_whatever_dies_where(survives_around_the_writes, erp_on_postgres, customers):
    survives_around_the_writes(Case(customers=customers, bulk=10, tryton=site_to_json(erp_on_postgres)))
