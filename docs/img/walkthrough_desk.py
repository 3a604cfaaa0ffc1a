# ruff: noqa: INP001 - a script beside its pictures, no package
"""Walk once through a bad morning at the failure desk, with pictures of the way.

`python docs/img/walkthrough_desk.py [FOLDER]`. A sandbox shop, a real Tryton, `crossdock run` and Debian's chromium
work in a temporary folder; what a person would press is pressed, and counted. A test goes through `walk`, too.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import shots
import with_tryton
from playwright.sync_api import Locator, Page, expect, sync_playwright

from connectors.sandbox.catalogue import UNKNOWN_SKU, catalogue, unknown_product
from connectors.sandbox.tryton.people import Person
from connectors.sandbox.tryton.site import Erp
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.generator import VARIETIES, Generator
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.woocommerce.shop import Json, Shop

#: What the shop writes since its relaunch, and what the ERP has.
WRITTEN, MEANT = "KANNE GLAS", "KANNE-GLAS"
#: Above every order that is generated.
LIMIT: Final = 14_000
_WAIT_MS: Final = 60_000
CONFIGURATION: Final = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_WEBHOOK_SECRET}}"]
    allow_hosts: [127.0.0.1]
  erp:
{erp}
channels:
  tea-shop:
    source: shop
    erp: erp
    timezone: Europe/Berlin
    canary: 0
    schedules: {{pull_every_s: 5s, resync_every_s: 10m}} # so that the pictures need not wait for half an hour
    policies:
      start_at: 2026-01-01T00:00:00+01:00
      home_country: DE
      value_limits: {{EUR: 14000}}
"""
TRYTON: Final = """\
    system: tryton
    url: {url}
    auth: {{key: "${{env:TRYTON_KEY}}", login: {login}, password: "${{env:TRYTON_PASSWORD}}"}}
    allow_hosts: [127.0.0.1]
    deadline_s: 60s
    options: {{database: {database}, web_shop: {web_shop}, bulk: 10}}"""


@dataclasses.dataclass(frozen=True, slots=True)
class Sold:
    """How many orders come, and how many of them stop on what."""

    free: int = 140
    written: int = 25
    missing: int = 20
    dear: int = 15

    @property
    def held(self) -> int:
        """Those that stop."""
        return self.written + self.missing + self.dear

    @property
    def all(self) -> int:
        """All of them."""
        return self.free + self.held


class Hands(Protocol):
    """What happens beside the console."""

    def carried(self, held: int) -> None:
        """Wait until all that can go on has gone on, and `held` orders stand still."""

    def mend(self) -> None:
        """In the ERP, somebody creates the article that it lacks."""


#: Takes a picture under this name; a test takes none.
Shot = Callable[[str], None]


# --- what the shop sells ----------------------------------------------------------------------------------------


def sell(shop: Shop, sold: Sold) -> None:
    """Customers buy. No two orders are equal, so none is taken for a double of another."""
    early = Generator(shop, seed=5, variety=VARIETIES["demo"])
    early.live(sold.free - 1)
    early.sell([_some(shop, MEANT)])
    [meant] = [product for product in catalogue() if product.sku == MEANT]
    add_catalogue(shop, (dataclasses.replace(meant, sku=WRITTEN), unknown_product()))
    buyers = Generator(shop, seed=6, variety=VARIETIES["demo"])
    others = [shop.products[shop.skus[product.sku]] for product in catalogue() if product.sku.startswith("ZUB-")]
    dearest = max(others, key=lambda product: Decimal(product["price"]))
    enough = int(Decimal(LIMIT) / Decimal(dearest["price"])) + 2
    for number in range(max(sold.written, sold.missing, sold.dear)):
        beside = (others[number % len(others)], 1 + number // len(others))
        if number < sold.written:
            buyers.sell([_some(shop, WRITTEN), beside])
        if number < sold.missing:
            buyers.sell([_some(shop, UNKNOWN_SKU), beside])
        if number < sold.dear:
            buyers.sell([(dearest, enough + number)])


def _some(shop: Shop, sku: str) -> tuple[Json, int]:
    return shop.products[shop.skus[sku]], 1


# --- the walk ---------------------------------------------------------------------------------------------------


class Presses:
    """Presses, and counts."""

    def __init__(self) -> None:
        """Nothing is pressed yet."""
        self.count = 0

    def on(self, what: Locator) -> None:
        """Once more."""
        what.click()
        self.count += 1

    def taken(self) -> int:
        """How often something was pressed since this was last asked."""
        count, self.count = self.count, 0
        return count


def walk(page: Page, hands: Hands, sold: Sold, shot: Shot = lambda _: None) -> dict[str, int]:
    """From the home page to the last order in the ERP; answers how often was pressed for what."""
    expect.set_options(timeout=_WAIT_MS)
    hands.carried(sold.held)
    press = Presses()
    page.goto("/")
    shot("1-home")
    press.on(page.get_by_role("link", name="3 causes"))
    shot("2-causes")
    press.on(_line(page, f"sku:{WRITTEN}"))
    expect(page.get_by_text(f"the ERP has no article '{WRITTEN}'").first).to_be_visible()
    figures = {"why": press.taken()}
    figures["row"] = keep_row(page, hands, sold, press, shot)
    figures["elsewhere"] = mend_elsewhere(page, hands, sold, press, shot)
    figures["approval"] = approve(page, hands, sold, press, shot)
    page.goto("/needs/?state=resolved")
    expect(page.locator("tbody tr")).to_have_count(3)
    shot("6-over")
    return figures


def keep_row(page: Page, hands: Hands, sold: Sold, press: Presses, shot: Shot) -> int:
    """The shop writes an article otherwise: the row stands there already."""
    expect(page.get_by_text(f"Releases {sold.written} orders worth").first).to_be_visible()
    shot("3-row")
    press.on(page.get_by_role("button", name=f"Keep {WRITTEN} → {MEANT} and let them go"))
    expect(page.locator("main > .notice.ok")).to_contain_text(f"{sold.written} orders go.")
    hands.carried(sold.missing + sold.dear)
    _expect_over(page)
    return press.taken()


def mend_elsewhere(page: Page, hands: Hands, sold: Sold, press: Presses, shot: Shot) -> int:
    """The ERP lacks an article: somebody creates it there, and nothing is pressed here."""
    page.goto("/needs/")
    _line(page, f"sku:{UNKNOWN_SKU}").click()
    shot("4-missing")
    hands.mend()
    hands.carried(sold.dear)
    _expect_over(page)
    return press.taken()


def approve(page: Page, hands: Hands, sold: Sold, press: Presses, shot: Shot) -> int:
    """What is dear waits for a person's word: one for all."""
    page.goto("/needs/")
    page.get_by_role("link", name="Above the value limit").click()
    page.get_by_label("Why they may pass").fill("Ms Berg has called them")
    shot("5-approval")
    press.on(page.get_by_role("button", name=f"Approve all {sold.dear} orders"))
    expect(page.locator("main > .notice.ok")).to_contain_text(f"{sold.dear} orders are looked at again.")
    hands.carried(0)
    _expect_over(page)
    return press.taken()


def _line(page: Page, subject: str) -> Locator:
    """The link of the cause that is about this."""
    return page.get_by_role("row").filter(has_text=subject).get_by_role("link", name=re.compile("article")).first


def _expect_over(page: Page) -> None:
    page.reload()
    expect(page.get_by_text("This is over: nothing is stopped by it any more.")).to_be_visible()


# --- the installation of the pictures ---------------------------------------------------------------------------


class _Morning:
    """Hands of the installation with Tryton."""

    def __init__(self, environ: dict[str, str], facts: Any, orders: int) -> None:
        self._environ, self._facts, self._orders = environ, facts, orders

    def carried(self, held: int) -> None:
        with_tryton.carried(self._environ, orders=self._orders, held=held)

    def mend(self) -> None:
        erp = Erp(**{**self._facts, "directory": Path(self._facts["directory"])})
        Person(erp).add_article(unknown_product(), like=MEANT)


def main(folder: Path) -> None:
    """Walk with 200 orders, prove what came of it, and write the pictures into `folder`."""
    folder.mkdir(exist_ok=True)
    sold = Sold()
    key = ApiKey("ck_sandbox", "cs_sandbox")
    with (
        tempfile.TemporaryDirectory(prefix="cd-") as name,
        serve_shop(ShopSettings(keys=(key,))) as (server, app),
        with_tryton.running(Path(name)) as facts,
    ):
        sell(app.shop, sold)
        text = CONFIGURATION.replace("{erp}", TRYTON)
        with (
            with_tryton.crossdock(Path(name), text, facts, shop=server.url) as environ,
            sync_playwright() as playwright,
        ):
            browser = shots.launched(playwright)
            page = shots.new_page(browser, f"http://{environ['CROSSDOCK_LISTEN']}")
            shots.sign_in(page)

            def shot(what: str) -> None:
                shots.take(page, folder / f"desk-{what}.png")

            figures = walk(page, _Morning(environ, facts, sold.all), sold, shot)
            said = shots.crossdock(environ, "proof")
            if "the proof holds" not in said:
                raise SystemExit(said)
            sys.stdout.write(f"{said}pressed: {figures}\n")
            page.goto("/")
            shot("7-home")
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
