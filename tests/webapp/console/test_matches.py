"""The pages of matches, and what the API says of them, over a shop and an ERP in memory."""

from __future__ import annotations

import re

import pytest

from connectors.kit.base import LinksDocuments
from sync.desk.activity import all_activity
from sync.desk.bulk import advance
from sync.desk.matches import DECIDED, UNDONE, match_page
from sync.desk.tokens import SCOPES, make_token
from sync.store.audit import Actor, AuditFilter
from tests.sync.flows.erp import Erp
from tests.sync.flows.world import World
from tests.webapp.api.conftest import Program
from tests.webapp.console.worlds import console_over

MAIL = "ann@example.test"


class Bell:
    def ring(self, channel, kind):
        return True

    def close(self):
        return


class PagedErp(Erp, LinksDocuments):
    """Shows people its parties."""

    def link(self, kind, external_id):
        return f"https://erp.test/?of={kind}&id={external_id}" if kind == "party" else ""


@pytest.fixture
def world(sqlite_store):
    made = World(sqlite_store)
    made.twins = made.erp.know("Ann & <b>Co</b>", "C1", MAIL, vat_id="ATU1"), made.erp.know("Bo", "C2", MAIL)
    made.order = made.shop.place(customer="ann")
    made.carry()
    [(made.match, _)] = match_page(made.store, made.config).entries
    return made


@pytest.fixture
def app(world, tmp_path):
    with console_over(world, Bell(), tmp_path) as made:
        yield made


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_match_is_found_from_the_home_page_its_cause_and_its_order(browser, world):
    viewer = browser("viewer")
    assert "1 customer in doubt" in words(viewer.get("/").text)
    address = f"/matches/{world.match.id}"
    assert f'href="{address}"' in viewer.get("/matches").text
    assert viewer.get("/matches?connection=shop").text.count(address) == 0
    about = re.search(r'href="(/matches/about/\d+)"', viewer.get(f"/orders/web/{world.order}").text)[1]
    assert viewer.get(about).location == address
    assert about in viewer.get(f"/needs/{about.rpartition('/')[2]}").text
    page = viewer.get(address)
    assert "They have the customer's e-mail address. Which of them is the customer?" in words(page.text).replace(
        "&#39;", "'"
    )
    assert "Ann &amp; &lt;b&gt;Co&lt;/b&gt;" in page.text
    assert re.search(r"1 order worth \S*20\.00", words(page.text))
    assert "Is this one" not in page.text
    assert viewer.post(f"{address}/decide", record=world.twins[0]).status_code == 403


def test_each_record_is_a_click_away_where_its_system_has_a_page_for_it(app, browser, world):
    address, (first, second) = f"/matches/{world.match.id}", world.twins
    reader = make_token(world.store, "r", tuple(SCOPES), actor=Actor("ada"), channels=(), known=(), days=None)
    page, program = browser("viewer").get(address).text, Program(app, reader)
    assert page.count("opens in a new tab") == 0
    assert [each["page"] for each in program.get(address).json["candidates"]] == ["", ""]
    world.erp.__class__ = PagedErp
    page = browser("viewer").get(address).text
    for party in (first, second):
        link = f'<a href="https://erp.test/?of=party&amp;id={party}" rel="noreferrer" target="_blank">{party}<'
        assert link in page
    pages = [each["page"] for each in program.get(address).json["candidates"]]
    assert sorted(pages) == sorted(f"https://erp.test/?of=party&id={party}" for party in (first, second))


def test_one_word_on_the_page_lets_the_orders_go_and_is_taken_back_there(browser, world):
    operator, address = browser("operator"), f"/matches/{world.match.id}"
    assert operator.get(address).text.count("Is this one") == 2
    refused = operator.post(f"{address}/decide", record="4711", reason="a guess")
    assert refused.status_code == 422
    assert "a guess" in refused.text
    assert operator.post(f"{address}/decide", record=world.twins[1], reason="asked <them>").status_code == 303
    advance(world.store)
    world.drain()
    assert world.sales(world.order)
    page = operator.get(address).text
    assert "asked &lt;them&gt;" in page
    assert "Is this one" not in page
    assert address in operator.get("/matches?state=decided").text
    assert operator.post(f"{address}/undo", reason="a mistake").status_code == 303
    assert operator.post(f"{address}/undo").status_code == 422
    actions = [entry.action for entry in all_activity(world.store, AuditFilter(thing="match"))]
    assert actions == [UNDONE, DECIDED]


def test_a_program_decides_too_unless_it_is_limited_to_channels(app, world):
    def program(*channels):
        options = {"actor": Actor("ada"), "channels": channels, "known": channels, "days": None}
        return Program(app, make_token(world.store, f"p{len(channels)}", tuple(SCOPES), **options))

    free, path = program(), f"/matches/{world.match.id}"
    assert program("web").get("/matches").status_code == 403
    [listed] = free.get("/matches?connection=erp").json["matches"]
    assert (listed["id"], listed["candidates"], listed["blocked"]["documents"]) == (str(world.match.id), 2, 1)
    assert free.get("/matches/4711").status_code == 404
    assert [each["same"] for each in free.get(path).json["candidates"]] == [["email"], ["email"]]
    wrong = free.post(f"{path}/decide", {"answer": "same", "chosen": "4711"})
    assert (wrong.status_code, "not '4711'" in wrong.json["detail"]) == (422, True)
    done = free.post(f"{path}/decide", {"answer": "apart", "reason": "asked"}).json
    assert (done["open"], done["answer"], done["decided_by"]) == (False, "apart", "token:p0")
    assert free.get("/matches").json == {"matches": [], "next": None}
    assert free.post(f"{path}/undo", {}).json["open"] is True
