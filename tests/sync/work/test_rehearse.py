"""A dry run by a text that is not published: the exact calls, and nothing of it happens."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from config.model import ProfileFile
from sync.flows.pull import pull
from sync.store.orders import load_order
from sync.store.tables import metadata
from sync.work.rehearse import dry_run
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, TEA, trading

pytestmark = pytest.mark.loopback

DRAFT = """\
profile: own
extends: woocommerce
source:
  order:
    - {to: note, constant: by the draft}
erp:
  sandbox_erp:
    order:
      - {to: x_channel, constant: drafted}
"""


def test_a_dry_run_by_a_draft_shows_the_order_its_proof_and_the_exact_calls_and_nothing_happens(sqlite_store):
    with trading(sqlite_store) as trade:
        number = trade.buy((TEA, 1))
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))

        def rows():
            tables = metadata.sorted_tables
            return trade.store.read(
                lambda c: {t.name: c.execute(select(func.count()).select_from(t)).scalar() for t in tables}
            )

        before = rows()
        told = dry_run(trade.store, trade.systems, order, profile=ProfileFile("draft", DRAFT)).to_json()
        plain = dry_run(trade.store, trade.systems, order).to_json()
        assert rows() == before
    drafted = [call for call in told["calls"] if '"x_channel":"drafted"' in call["request_body"].replace(" ", "")]
    assert len(drafted) == 1
    assert (told["order"]["note"], told["totals"]["ties"], told["problems"]) == ("by the draft", True, [])
    assert plain["order"]["note"] != "by the draft"
    assert not any("drafted" in call["request_body"] for call in plain["calls"])
