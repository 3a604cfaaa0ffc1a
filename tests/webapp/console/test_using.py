"""The console as people use it: by keyboard alone, without scripts, while it changes, while the queue is away."""

from __future__ import annotations

import re

import pytest

from sync.store import switches
from tests.mappings.woocommerce_orders import woo_order
from tests.webapp.console.browsing import Person, settle
from tests.webapp.console.stage import PASSWORD

pytestmark = [pytest.mark.heavy, pytest.mark.loopback, pytest.mark.slow, pytest.mark.timeout(600)]

#: Every page of the navigation.
PAGES = (
    "/",
    "/needs/",
    "/orders",
    "/mappings/tea-shop/workbench",
    "/connections",
    "/alerts/",
    "/operations/",
    "/doctor",
    "/activity",
    "/users",
    "/account",
)
LIVE_MS = 10_500


def flashed(page):
    return page.locator("main > .notice.ok").first


def test_from_signing_in_to_a_retry_by_keyboard_alone(person):
    """In a low window, so that what has the focus would often lie under the header if the page let it."""
    ours = person(viewport={"width": 1280, "height": 420})
    ours.page.goto("/sign-in")
    # The page gives it the focus when it is painted, which may be after it is loaded.
    ours.page.locator("input:focus").wait_for()
    ours.page.keyboard.type("operator")
    ours.tab_to("^password$")
    ours.page.keyboard.type(PASSWORD)
    ours.page.keyboard.press("Enter")
    ours.page.wait_for_url("**/")
    ours.tab_to("^Needs you")
    ours.page.keyboard.press("Enter")
    ours.page.wait_for_url("**/needs/")
    ours.tab_to("^(Totals do not add up|Unknown article)")
    ours.page.keyboard.press("Enter")
    ours.page.wait_for_url(re.compile(r"/needs/\d+$"))
    ours.tab_to("^Look again$")
    ours.page.keyboard.press("Enter")
    flashed(ours.page).wait_for()
    # It goes on where the page begins, not somewhere in the middle.
    ours.page.keyboard.press("Tab")
    assert ours.page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_single_keys_lead_through_a_list_to_a_retry_that_asks_first(person):
    ours = person("operator")
    page = ours.page
    page.goto("/orders?tab=needs")
    page.keyboard.press("?")
    page.locator("dialog#keys[open]").wait_for()
    page.keyboard.press("Escape")
    lines = page.locator("tbody tr")
    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    assert ours.focus() == "ok"
    assert lines.nth(1).locator("th a").evaluate("one => one === document.activeElement")
    page.keyboard.press("x")
    assert lines.nth(1).locator("[name=item]").is_checked()
    # Where somebody types, a key is a letter.
    page.keyboard.press("/")
    page.keyboard.type("jxr?")
    assert page.locator("#search").input_value() == "jxr?"
    assert page.locator("[name=item]:checked").count() == 1
    lines.nth(1).locator("th a").focus()
    page.keyboard.press("r")
    page.wait_for_url("**/runs/new?*")
    assert "Nothing has been done yet" in page.locator("main").inner_text()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 360])
def test_each_stop_of_the_tab_key_is_seen_and_the_last_leads_out(person, path, width):
    ours = person("admin", viewport={"width": width, "height": 480})
    ours.page.goto(path)
    seen = 0
    while seen < 60:
        ours.page.keyboard.press("Tab")
        state = ours.focus()
        if not state:
            break
        assert state == "ok", state
        seen += 1
    assert seen > 10


def test_everything_that_matters_works_without_scripts(person, chromium, stage):
    ours = Person(chromium, stage.url, java_script_enabled=False)
    page = ours.page
    ours.sign_in("integrator")
    page.get_by_role("link", name="Orders").first.click()
    page.get_by_role("link", name=re.compile("^Done")).click()
    page.locator("tbody th a").first.click()
    page.get_by_role("heading", level=1).wait_for()
    page.goto("/orders?tab=needs")
    page.locator("tbody th a").first.click()
    page.get_by_role("button", name="Look again").first.click()
    flashed(page).wait_for()
    page.goto("/needs/")
    page.get_by_role("link", name="Unknown article").last.click()
    page.locator("[name=target]").first.fill("TEE-ASSAM-100")
    page.get_by_role("button", name="See what it releases").click()
    assert "Releases" in page.locator("#preview").inner_text()
    page.locator("#preview").get_by_role("button").click()
    flashed(page).wait_for()
    ours.close()


def live_parts(page):
    return page.locator("[data-live]")


@pytest.mark.parametrize("path", ["/", "/needs/", "/operations/"])
def test_what_has_the_focus_keeps_it_while_the_page_is_loaded_anew(person, path):
    ours = person("admin")
    page = ours.page
    page.clock.install()
    page.goto(path)
    inside = live_parts(page).first.locator("a, button, summary").first
    inside.focus()
    name = "document.activeElement.textContent.trim() + '|' + (document.activeElement.getAttribute('href') || '')"
    before, part = page.evaluate(name), live_parts(page).first.element_handle()
    with page.expect_response(lambda answer: answer.request.headers.get("x-live") == "1"):
        page.clock.fast_forward(LIVE_MS)
    part.wait_for_element_state("hidden")
    settle(page)
    assert page.evaluate(name) == before


def test_a_change_is_announced_once_and_who_pauses_hears_and_asks_nothing(person, stage):
    ours = person("viewer")
    page, asked = ours.page, []
    page.on("request", lambda one: asked.append(one.url) if one.headers.get("x-live") else None)
    page.clock.install()
    page.goto("/")
    page.evaluate("""() => { window.said = [];
        new MutationObserver(() => said.push(announce.textContent)).observe(announce, {childList: true}); }""")

    def wait():
        with page.expect_response(lambda answer: answer.request.headers.get("x-live") == "1"):
            page.clock.fast_forward(LIVE_MS)
        settle(page)

    wait()
    assert page.evaluate("said") == []
    with stage.runtime() as runtime:
        runtime.store.write(lambda c: switches.pause(c, "connection", "erp", "a test"))
        wait()
        wait()
        runtime.store.write(lambda c: switches.resume(c, "connection", "erp"))
    [sentence] = page.evaluate("said")
    assert "erp" in sentence
    assert page.locator("#announce").get_attribute("role") == "status"
    page.locator("#live").click()
    assert page.locator("#live").get_attribute("aria-pressed") == "false"
    before = len(asked)
    page.clock.fast_forward(10 * LIVE_MS)
    page.wait_for_timeout(300)
    assert len(asked) == before


def test_while_the_queue_is_away_every_page_stands_and_says_so(chromium, stage, tmp_path):
    away = Person(chromium, stage.serve(CROSSDOCK_REDIS=f"unix://{tmp_path}/nobody.sock"))
    away.sign_in("admin")
    for path in PAGES:
        assert away.open(path) == 200, path
        assert "The queue's server is away" in away.page.locator("#banners").inner_text(), path
    away.open("/orders?tab=needs")
    away.page.locator("tbody th a").first.click()
    away.page.get_by_role("button", name="Look again").first.click()
    flashed(away.page).wait_for()
    away.close()


def test_in_the_workbench_the_result_follows_the_typing_and_a_field_is_put_into_the_text(person):
    ours = person("integrator", viewport={"width": 1280, "height": 900})
    page, result = ours.page, ours.page.locator("#result")
    ours.work_on("tea-shop", woo_order())
    text = page.get_by_role("textbox", name="Profile")
    # A mistake is told while it is typed, and a press on its line goes there.
    text.fill("profile: own\nextends: woocommerce\nsource:\n  lines:\n    - {to: tax_class, copy: }\n")
    result.get_by_text("The text is no profile yet.").wait_for()
    page.locator("#result [data-line='5']").first.click()
    assert text.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)").startswith("    - {to: tax")
    # By keyboard: the caret stands where the path belongs, and the tree of fields is one stop of the Tab key.
    text.evaluate("one => one.setSelectionRange(one.value.length - 2, one.value.length - 2)")
    ours.unfold()
    page.locator("[data-bench=tree] button.word[tabindex='0']").focus()
    for _ in range(300):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.dataset.item") == "item.tax_class":
            break
    assert ours.focus() == "ok"
    page.keyboard.press("Enter")
    assert "copy: item.tax_class}" in text.input_value()
    result.get_by_text("The sample is mapped").wait_for()
    result.get_by_text("Nothing.").wait_for()
    # Another sample takes along what was typed.
    with page.expect_navigation():
        page.locator("#f-sample").select_option(index=0)
    assert "copy: item.tax_class}" in text.input_value()
