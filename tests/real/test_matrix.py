"""The same basket from each source into each ERP ends as the same order, to the cent.

Sources and Odoo are the stand-ins, Tryton is a real one. What is compared is what the ERP itself shows.
"""

from __future__ import annotations

import contextlib

import pytest

from tests.matrix.basket import END
from tests.matrix.erps import STAND_INS, tryton
from tests.matrix.lane import Lane
from tests.matrix.sources import SOURCES

pytestmark = pytest.mark.loopback

REAL = (pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600))


@pytest.fixture
def target(request):
    if request.param == "tryton":
        yield tryton(request.getfixturevalue("erp"))
    else:
        with STAND_INS[request.param]() as running:
            yield running


@pytest.mark.parametrize("target", [*STAND_INS, pytest.param("tryton", marks=REAL)], indirect=True)
@pytest.mark.parametrize("source", SOURCES)
def test_the_same_basket_ends_as_the_same_order(source, target, sqlite_store):
    with SOURCES[source]() as shop, contextlib.closing(Lane(sqlite_store, shop, target)) as lane:
        number = shop.buy()
        lane.carry()
        assert lane.causes() == {}
        assert lane.item(number).state == "done"
        assert target.end(lane.sale_id(number)) == END
        assert lane.open_intents() == []
