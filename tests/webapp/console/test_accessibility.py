"""WCAG 2.2 AA on every page: what axe can see, light and dark, wide and narrow, and how large targets are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.mappings.woocommerce_orders import woo_order
from tests.webapp.console.browsing import axe_source

pytestmark = [pytest.mark.heavy, pytest.mark.loopback, pytest.mark.slow, pytest.mark.timeout(600)]

RESULTS = Path(__file__).with_name("axe.yaml")
SCHEMES, WIDTHS = ("light", "dark"), (1280, 360)


@pytest.fixture(scope="module")
def source():
    return axe_source()


@pytest.fixture
def admin(person):
    return person("admin", viewport={"width": 1280, "height": 900})


def examine(someone, source):
    """What is wrong with the page that stands there, in each colour scheme and width."""
    return [one for found in examined(someone, source).values() for one in found]


def examined(someone, source):
    """Width and colour scheme -> what is wrong with the page that stands there."""
    page, wrong = someone.page, {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(
            "scrollTo(0, 0)"
        )  # what the bar at the top covers, at some place of every page, has no size for axe
        size = [f"{width} px: too wide: {found}" for found in someone.too_wide()]
        size += [f"{width} px: too small: {found}" for found in someone.too_small()]
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found = someone.violations(source, of_colours=scheme != SCHEMES[0])
            wrong[f"{width} {scheme}"] = [*size, *(f"{width} px, {scheme}: {one}" for one in found)]
            size = []
    return wrong


def write_down(name, wrong):
    """Keep how much was found, for docs/console-quality.md; only where somebody asks for it."""
    if os.environ.get("AXE_RESULTS"):
        kept = yaml.safe_load(RESULTS.read_text()) if RESULTS.exists() else {}
        kept[name] = {look: len(found) for look, found in wrong.items()}
        RESULTS.write_text(yaml.safe_dump(dict(sorted(kept.items()))))


def found_by(someone, *, of, like):
    """The address of the first link like this on a page."""
    someone.open(of)
    return next(link for link in someone.links() if link.startswith(like) and not link.endswith((".json", ".csv")))


#: Name -> its address, or a page and how the address begins that is linked there.
PAGES = {
    "home": "/",
    "needs you": "/needs/",
    "one cause": ("/needs/", "/needs/"),
    "orders": "/orders?tab=all",
    "saved views": "/views",
    "what a run would do": "/runs/new?tab=all&action=retry&which=all",
    "what rejecting many would do": "/runs/new?tab=needs&action=skip&which=all",
    "runs": "/runs",
    "a run": ("/runs", "/runs/"),
    "no order": "/orders?q=nobody-has-this",
    "orders with an error": "/orders?low=abc&since=yesterday",
    "an order in the ERP": ("/orders?tab=done", "/orders/tea-shop/"),
    # That one is corrected, too, and somebody cares for it.
    "a held order": ("/orders?tab=needs&channel=tea-shop&cause=value_limit", "/orders/tea-shop/"),
    "matches": "/matches",
    "decided matches": "/matches?state=decided",
    "a match": ("/matches", "/matches/"),
    "a decided match": ("/matches?state=decided", "/matches/"),
    "no stock": "/stock",
    "files": "/imports/",
    "look-ups": "/lookups/",
    "a look-up table": "/lookups/tax",
    "a look-up row's preview": "/lookups/sku?value=NEW-NAME&target=TEE-ASSAM-100&scope=global",
    "a refused look-up row": "/lookups/sku?value=NEW-NAME&target=",
    "a look-up row": ("/lookups/sku", "/lookups/sku/row"),
    "forecast": "/lookups/forecast?channel=tea-shop",
    "mappings": "/mappings/",
    "the mapping of a channel": "/mappings/tea-shop",
    "the workbench": "/mappings/tea-shop/workbench",
    "connections": "/connections",
    "a shop": "/connections/tea",
    "an ERP": "/connections/erp",
    "going back": "/connections/tea/rewind",
    "going back to nowhere": "/connections/tea/rewind?to=yesterday",
    "going back to a date": "/connections/tea/rewind?to=2026-11-01T00:00",
    "alerts": "/alerts/",
    "operations": "/operations/",
    "doctor": "/doctor",
    "errors": "/errors/",
    "activity": "/activity",
    "no activity": "/activity?action=nothing",
    "users": "/users",
    "API tokens": "/tokens",
    "a user": "/users/viewer",
    "account": "/account",
    "nothing there": "/nowhere",
}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_violates_wcag_in_any_colours_and_width(admin, source, name):
    where = PAGES[name]
    admin.open(where if isinstance(where, str) else found_by(admin, of=where[0], like=where[1]))
    found = examined(admin, source)
    write_down(name, found)
    wrong = [one for each in found.values() for one in each]
    assert not wrong, "\n".join(wrong)


def test_an_error_in_a_form_is_said_at_its_field(admin, source):
    admin.open("/account")
    passwords = admin.page.locator("input[type=password]")
    for number in range(passwords.count()):
        passwords.nth(number).fill("short")
    passwords.last.press("Enter")
    admin.page.locator("[aria-invalid=true]").first.wait_for()
    field = admin.page.locator("[aria-invalid=true]").first
    told = field.get_attribute("aria-describedby").split()
    assert admin.page.locator(f"#{told[0]}").inner_text().strip()
    wrong = examine(admin, source)
    assert not wrong, "\n".join(wrong)


def test_the_workbench_violates_nothing_with_an_order_that_is_mapped(admin, source):
    admin.work_on("tea-shop", woo_order())
    admin.unfold()
    wrong = examine(admin, source)
    assert not wrong, "\n".join(wrong)


def test_the_preview_of_a_look_up_row_violates_nothing(admin, source):
    admin.page.goto("/needs/")
    admin.page.get_by_role("link", name="Unknown article").first.click()
    admin.page.locator("[name=target]").first.fill("TEE-ASSAM-100")
    admin.page.get_by_role("button", name="See what it releases").click()
    admin.page.locator("#preview").wait_for()
    wrong = examine(admin, source)
    assert not wrong, "\n".join(wrong)


def test_signing_in_violates_nothing_and_takes_what_a_password_manager_pastes(person, source):
    stranger = person(viewport={"width": 1280, "height": 900})
    stranger.page.goto("/sign-in")
    wrong = examine(stranger, source)
    stranger.page.get_by_label("Login").fill("admin")
    stranger.page.get_by_label("Password").evaluate("(one) => { one.value = 'pasted'; }")
    assert stranger.page.get_by_label("Password").get_attribute("autocomplete") == "current-password"
    stranger.page.get_by_role("button", name="Sign in").click()
    stranger.page.get_by_role("alert").wait_for()
    wrong += examine(stranger, source)
    assert not wrong, "\n".join(wrong)
