# ruff: noqa: INP001 - a script beside its pictures, no package
"""Walk once from a file of a shop that nobody has heard of to its sales in a real Tryton, with pictures of the way.

`python docs/img/walkthrough_mapping.py [FOLDER]`. Tryton, `crossdock run` and Debian's chromium work in a temporary
folder; what a person would press is pressed, and what they would type is typed. A test goes through `walk`, too.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import farm_shop
import shots
import with_tryton
from playwright.sync_api import Page, expect, sync_playwright

CHANNEL: Final = "farm-shop"
_ORDERS: Final = 200
#: On a busy machine a page takes its time.
_WAIT_MS: Final = 60_000
CONFIGURATION: Final = """\
connections:
  farm:
    system: csv
    options: {{order_column: Order no}}
  tryton:
    system: tryton
    url: {url}
    auth: {{key: "${{env:TRYTON_KEY}}", login: {login}, password: "${{env:TRYTON_PASSWORD}}"}}
    allow_hosts: [127.0.0.1]
    deadline_s: 60s
    options: {{database: {database}, web_shop: {web_shop}, bulk: 10}}
channels:
  farm-shop: # no `profile`: it is written in the workbench
    source: farm
    erp: tryton
    timezone: Europe/Berlin
    canary: 0
    policies:
      home_country: DE
      start_at: 2026-01-01T00:00:00+01:00
      target: {{warehouse: WH1}}
"""

#: Takes a picture under this name; a test takes none.
Shot = Callable[[str], None]


# --- the walk ---------------------------------------------------------------------------------------------------


def walk(page: Page, file: Path, *, carried: Callable[[], object], shot: Shot = lambda _: None) -> None:
    """From the file to the published profile. `carried` answers when everything that can go on has gone on."""
    expect.set_options(timeout=_WAIT_MS)
    bring(page, file, shot)
    carried()
    page.goto("/needs/")
    page.get_by_role("link", name="No mapping profile yet").click()
    expect(page.get_by_role("link", name="Open the workbench")).to_be_visible()
    shot("2-waiting")
    write(page, shot)
    rehearse(page, shot)
    publish(page, shot)
    carried()


def bring(page: Page, file: Path, shot: Shot) -> None:
    """Bring the file, see what it would do, take all of it."""
    page.goto("/imports/")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    shot("1-file")
    page.get_by_role("button", name="Take").click()
    expect(page.locator("main > .notice.ok")).to_contain_text("taken")


def write(page: Page, shot: Shot) -> None:
    """Write the profile in parts; the result says what is missing, and then what becomes of the order."""
    page.get_by_role("link", name="Open the workbench").click()
    text, result = page.get_by_role("textbox", name="Profile"), page.locator("#result")
    text.fill(farm_shop.HEAD + farm_shop.ORDER)
    expect(result).to_contain_text("no scope")
    shot("3-mistakes")
    text.fill(farm_shop.HEAD + farm_shop.ORDER + farm_shop.PEOPLE + farm_shop.LINES.replace("item.Net", "item.Nett"))
    expect(result).to_contain_text("none of the samples has item.Nett")
    text.fill(farm_shop.PROFILE)
    expect(result).to_contain_text("The sample is mapped, and its total adds up.")
    shot("4-result")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("The draft is kept as version")).to_be_visible()


def rehearse(page: Page, shot: Shot) -> None:
    """The exact calls for the order that is looked at, by the text that nobody has published yet."""
    page.get_by_role("button", name="Dry run").click()
    report = page.locator("section", has=page.get_by_role("heading", name="Dry run"))
    expect(report).to_contain_text("would be sent to tryton")
    shot("5-dry-run")


def publish(page: Page, shot: Shot) -> None:
    """See what it changes of all orders that wait, and publish it with a reason."""
    page.get_by_role("button", name="Publish…").click()
    expect(page.get_by_role("heading", name="What it would change")).to_be_visible()
    page.get_by_label("Why?").fill("The columns of the farm shop's export")
    shot("6-publish")
    page.get_by_role("button", name="Publish it").click()
    expect(page.locator("main > .notice.ok")).to_contain_text("Revision 1 is published.")


# --- the installation of the pictures ---------------------------------------------------------------------------


def main(folder: Path) -> None:
    """Walk with 200 orders, prove what came of it, and write the pictures into `folder`."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cd-") as name, _installation(Path(name)) as environ:
        file = Path(name) / "farm-shop.csv"
        file.write_bytes(farm_shop.export(_ORDERS))
        with sync_playwright() as playwright:
            browser = shots.launched(playwright)
            page = shots.new_page(browser, f"http://{environ['CROSSDOCK_LISTEN']}")
            shots.sign_in(page)

            def shot(what: str) -> None:
                shots.take(page, folder / f"mapping-{what}.png")

            walk(page, file, carried=lambda: with_tryton.carried(environ), shot=shot)
            said = shots.crossdock(environ, "proof")
            if "the proof holds" not in said:
                raise SystemExit(said)
            sys.stdout.write(said)
            page.goto("/orders?tab=done")
            shot("7-orders")
            page.goto("/")
            shot("8-proof")
            browser.close()


@contextlib.contextmanager
def _installation(folder: Path) -> Iterator[dict[str, str]]:
    with with_tryton.running(folder) as facts, with_tryton.crossdock(folder, CONFIGURATION, facts) as environ:
        yield environ


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
