"""The pages of stock, over shops and an ERP in memory."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from sync.desk.activity import all_activity
from sync.store.audit import AuditFilter
from sync.store.schedule import load_due
from sync.store.stock.levels import note_away
from tests.sync.flows.stock_world import ONE, TWO, StockWorld
from tests.webapp.console.worlds import console_over


class Bell:
    def __init__(self):
        self.rings = []

    def ring(self, channel, kind):
        self.rings.append((channel, kind))
        return True

    def close(self):
        return


@pytest.fixture
def world(sqlite_store):
    made = StockWorld(sqlite_store, channels=(ONE, TWO), safety=Decimal(2))
    made.offer("TASSE", 15)
    made.offer("KANNE", 4)
    made.run()
    return made


@pytest.fixture
def bell():
    return Bell()


@pytest.fixture
def app(world, bell, tmp_path):
    with console_over(world, bell, tmp_path) as made:
        yield made


def words(page):
    """What a reader reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_ledger_says_what_each_article_is_made_of(browser):
    page = words(browser("viewer").get("/stock?channel=web").text)
    assert "TASSE 15 0 2 13 13" in page
    assert page.index("KANNE") < page.index("TASSE")


def test_articles_are_found_by_the_beginning_of_their_sku(browser):
    page = browser("viewer").get("/stock?channel=web&q=TA").text
    assert "TASSE" in page
    assert "KANNE" not in page


def test_a_long_ledger_goes_on_page_by_page(browser, world):
    for number in range(120):
        world.offer(f"A{number:03}", 5)
    world.run()
    viewer = browser("viewer")
    first = viewer.get("/stock?channel=web").text
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = viewer.get(older).text
    assert "A000" in first
    assert "A050" not in first
    assert "A050" in second


def test_why_the_shop_shows_what_it_shows_names_every_order_that_counts(browser, world):
    order = world.shops[TWO].sell("TASSE", 3)
    world.erp.fail("create", "transient")
    world.capture(TWO)
    world.push()
    page = browser("viewer").get("/stock/web/article?sku=TASSE").text
    assert "Why does the shop show 10?" in words(page)
    assert f'href="/orders/{TWO}/{order}"' in page
    assert "not in the ERP&#39;s figure yet" in page or "not in the ERP's figure yet" in page
    assert re.search(r"To be shown 10 ", words(page))


def test_that_the_erp_cannot_be_read_is_said(browser, world):
    world.store.write(lambda c: note_away(c, "erp", "nobody answers"))
    viewer = browser("viewer")
    for address in ("/stock?channel=web", "/stock/web/article?sku=TASSE"):
        assert "The ERP cannot be read: nobody answers" in words(viewer.get(address).text)


def test_one_article_is_pushed_on_demand(browser, world, bell):
    world.shop.articles["TASSE"].clear()
    world.shop.offer("TASSE", 99)
    answer = browser("operator").post("/stock/web/article/push", sku="TASSE")
    assert answer.status_code == 303
    assert bell.rings == [("web", "stock")]
    world.push()
    assert world.shop.shows("TASSE") == 13
    assert [entry.action for entry in all_activity(world.store, AuditFilter(text="TASSE"))] == ["push stock"]


def test_all_articles_are_compared_on_demand(browser, world):
    browser("operator").post("/stock/web/push")
    assert "stock-full:web" in {due.name for due in world.store.read(load_due) if due.asked}


@pytest.mark.parametrize("path", ["/stock/nobody/article?sku=A", "/stock/web/article?sku=A", "/stock/web/article"])
def test_what_is_not_there_is_not_found(browser, path):
    assert browser("viewer").get(path).status_code == 404


def test_a_viewer_pushes_nothing(browser):
    viewer = browser("viewer")
    assert viewer.post("/stock/web/article/push", sku="TASSE").status_code == 403
    assert viewer.post("/stock/web/push").status_code == 403
    assert "Push now" not in viewer.get("/stock/web/article?sku=TASSE").text


def test_what_strangers_call_their_articles_is_inert(browser, world):
    sku = "<img src=x onerror=alert(1)>"
    world.offer(sku, 5)
    world.run()
    viewer = browser("viewer")
    assert sku not in viewer.get("/stock?channel=web").text
    answer = viewer.get("/stock/web/article", query_string={"sku": sku})
    assert answer.status_code == 200
    assert sku not in answer.text
