# ruff: noqa: INP001 - a script beside its pictures, no package
"""Make the pictures of the console anew, from a real run: `python docs/img/shots.py [FOLDER]`.

Two sandbox shops, a sandbox ERP and Crossdock run in a temporary folder until everything is where it belongs or waits
for a person; Debian's chromium then looks at each page. The day that the orders were placed over is made up: they are
pulled within seconds, and then dated back to when the shop had them, so that the pictures show a day and not a minute.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from sqlalchemy import Connection, Row, func, select, update

from config.settings import Settings
from sync.cli.demo.services import Service
from sync.desk import accounts
from sync.store.audit import Actor
from sync.store.tables import attempts, bindings, events, intents, issue_documents, issues, orders, work_items
from sync.work.runtime import Runtime

_PATIENCE_S: Final = 180.0
PASSWORD: Final = "correct horse battery"  # noqa: S105 - of an installation that lives for a minute
CLI: Final = (sys.executable, "-m", "sync.cli")
_SHOPS: Final = {
    "tea": ("--orders", "220", "--seed", "3", "--plants", *("unknown_sku",) * 6, "totals_mismatch", "over_limit"),
    "outlet": ("--orders", "90", "--seed", "8", "--plants", "unknown_sku", "unknown_sku", "over_limit"),
}
_CONFIGURATION: Final = """\
connections:
  tea:
    system: woocommerce
    url: {tea}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_WEBHOOK_SECRET}}"]
    allow_hosts: [127.0.0.1]
  outlet:
    system: woocommerce
    url: {outlet}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    webhook_secrets: ["${{env:SHOP_WEBHOOK_SECRET}}"]
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
channels:
  tea-shop: {{source: tea, erp: erp, timezone: Europe/Berlin, canary: 0, policies: all}}
  outlet: {{source: outlet, erp: erp, timezone: Europe/Berlin, canary: 0, policies: all}}
policies:
  all: {{start_at: {start_at}, home_country: DE, value_limits: {{EUR: 14000}}}}
"""
#: Who works here, and what they may do.
_PEOPLE: Final = {"anna": "admin", "ben": "operator", "carla": "integrator", "dora": "viewer"}
_LARGE: Final = {"width": 1280, "height": 900}
_SMALL: Final = {"width": 360, "height": 760}
#: Taller pages are cut: a picture shows what a page is, not all that is on it.
_TALLEST: Final = {1280: 1500, 360: 1400}


def main(folder: Path) -> None:
    """Write the pictures into `folder`."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cd-") as name, _installation(Path(name)) as environ:
        _happen(environ)
        _date_back(environ)
        address = f"http://{environ['CROSSDOCK_LISTEN']}"
        with sync_playwright() as playwright:
            browser = launched(playwright)
            _take_all(browser, address, folder)
            browser.close()


# --- the installation -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _installation(folder: Path) -> Iterator[dict[str, str]]:
    """Everything runs; yields the environment of its commands."""
    own = dict(Settings.from_env().environ)
    services = {
        name: Service(
            name,
            [*CLI, "sandbox", "woocommerce", "--days", "1", "--variety", "demo", "--skus", "200", *options],
            log=folder / f"{name}.log",
            env=own,
            announces=True,
        )
        for name, options in _SHOPS.items()
    }
    services["erp"] = Service("erp", [*CLI, "sandbox", "erp"], log=folder / "erp.log", env=own, announces=True)
    with contextlib.ExitStack() as stack:
        for service in services.values():
            service.start()
            stack.callback(service.end)
        await_that(lambda: all(service.is_ready() for service in services.values()), "the sandboxes")
        start_at = (dt.datetime.now(dt.UTC) - dt.timedelta(days=2)).isoformat(timespec="seconds")
        urls = {name: service.facts["url"] for name, service in services.items()}
        (folder / "crossdock.yaml").write_text(_CONFIGURATION.format(start_at=start_at, **urls), "utf-8")
        environ = {**own, **variables_of(folder)}
        crossdock = Service("Crossdock", [*CLI, "run"], log=folder / "crossdock.log", env=environ)
        crossdock.start()
        stack.callback(crossdock.end)
        yield environ


def variables_of(folder: Path) -> dict[str, str]:
    """The environment of an installation in this folder, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    return {
        "CROSSDOCK_CONFIG": str(folder),
        "CROSSDOCK_STATE": str(folder / "state"),
        "CROSSDOCK_LISTEN": listen,
        "CROSSDOCK_PUBLIC_URL": f"http://{listen}",
        "SHOP_KEY": "ck_sandbox",
        "SHOP_SECRET": "cs_sandbox",
        "SHOP_WEBHOOK_SECRET": "wh_sandbox",
        "ERP_KEY": "sandbox-erp-key",
    }


def crossdock(environ: Mapping[str, str], *command: str) -> str:
    """What `crossdock ...` prints; its exit status is not looked at."""
    done = subprocess.run((*CLI, *command), env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return done.stdout


def await_that(ready: Callable[[], bool], what: str, *, patience_s: float = _PATIENCE_S) -> None:
    """Wait until it is so. Raises SystemExit."""
    deadline = time.monotonic() + patience_s
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not get ready")
        time.sleep(0.5)


def _happen(environ: Mapping[str, str]) -> None:
    """Wait until every order is in the ERP or held, then let people work."""
    await_that(lambda: crossdock(environ, "proof").count("the proof holds") == len(_SHOPS), "the proof")
    with Runtime(Settings.from_env(environ)) as runtime:
        for login, role in _PEOPLE.items():
            accounts.add_user(runtime.store, login, PASSWORD, role, actor=Actor("anna", "terminal on hub-1"))
    crossdock(environ, "lookup", "sku", "TEE-ASSAM-OLD", "TEE-ASSAM-100")
    crossdock(environ, "pause", "outlet", "--reason", "Stock-taking until noon")
    crossdock(environ, "resume", "outlet")
    crossdock(environ, "token", "add", "reporting", "--scope", "orders:read", "--scope", "issues:read", "--days", "90")
    crossdock(environ, "doctor")
    crossdock(environ, "proof")


def _date_back(environ: Mapping[str, str]) -> None:
    """As if each order had come when the shop had it."""
    with Runtime(Settings.from_env(environ)) as runtime:
        runtime.store.write(_as_placed)


def _as_placed(connection: Connection) -> None:
    """Everything that has a moment gets that of its order; what is held came at different hours of the day."""
    placed = {row.item_id: row.placed_at for row in connection.execute(select(orders.c.item_id, orders.c.placed_at))}
    for number, item in enumerate(connection.execute(select(work_items).order_by(work_items.c.id)).all()):
        if item.state in {"held", "parked"}:
            moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=25 + 53 * (number % 17))
        else:
            moment = placed[item.id] + dt.timedelta(minutes=1)
        _date(connection, item, moment)
    for issue in connection.execute(select(issues.c.id)).scalars():
        first, last = connection.execute(
            select(func.min(work_items.c.created_at), func.max(work_items.c.created_at))
            .join(issue_documents, issue_documents.c.item_id == work_items.c.id)
            .where(issue_documents.c.issue_id == issue)
        ).one()
        connection.execute(update(issues).where(issues.c.id == issue).values(opened_at=first, seen_at=last))


def _date(connection: Connection, item: Row[Any], moment: dt.datetime) -> None:
    """One order: pulled, looked at a second later, in the ERP within two."""
    second, third = moment + dt.timedelta(seconds=1), moment + dt.timedelta(seconds=2)
    version = (moment - dt.timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S")
    of_order = select(orders.c.id).where(orders.c.item_id == item.id).scalar_subquery()
    for statement in (
        update(events).where(events.c.id == item.event_id).values(received_at=moment, version=version),
        update(work_items).where(work_items.c.id == item.id).values(created_at=moment, updated_at=third),
        update(attempts).where(attempts.c.item_id == item.id).values(started_at=second, ended_at=third),
        update(intents).where(intents.c.item_id == item.id).values(sent_at=second, closed_at=third),
        update(bindings).where(bindings.c.order_id == of_order).values(created_at=third),
        update(orders).where(orders.c.item_id == item.id).values(placed_at=moment - dt.timedelta(minutes=1)),
        update(issue_documents).where(issue_documents.c.item_id == item.id).values(opened_at=third),
    ):
        connection.execute(statement)


# --- the pictures -----------------------------------------------------------------------------------------------


def _take_all(browser: Browser, address: str, folder: Path) -> None:
    stranger = new_page(browser, address)
    stranger.goto("/sign-in")
    take(stranger, folder / "sign-in.png")
    page = new_page(browser, address)
    sign_in(page)
    for name, path in _pages(page).items():
        page.goto(path)
        take(page, folder / f"{name}.png")
    for name, path in {"home": "/", "orders": "/orders?tab=all"}.items():
        for suffix, size, scheme in (("dark", _LARGE, "dark"), ("narrow", _SMALL, "light")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.goto(path)
            take(page, folder / f"{name}-{suffix}.png")


def launched(playwright: Playwright) -> Browser:
    """Debian's chromium."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


def new_page(browser: Browser, address: str) -> Page:
    """Somebody who has not signed in."""
    context = browser.new_context(
        base_url=address, viewport=_LARGE, color_scheme="light", locale="en-GB", reduced_motion="reduce"
    )
    return context.new_page()


def sign_in(page: Page) -> None:
    """As anna, who may do everything."""
    page.goto("/sign-in")
    page.get_by_label("Login").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def _pages(page: Page) -> dict[str, str]:
    """Name of a picture -> the page's address."""

    def first(path: str, link: str) -> str:
        page.goto(path)
        return page.locator(link).first.get_attribute("href") or ""

    cause = first("/needs/", "tbody a:has-text('Unknown article')")
    return {
        "home": "/",
        "needs": "/needs/",
        "cause": f"{cause}?target=TEE-ASSAM-100&scope=global",
        "orders": "/orders?tab=all",
        "order": first("/orders?tab=done", "tbody th a"),
        "order-held": first("/orders?tab=needs&cause=totals_mismatch", "tbody th a"),
        "connections": "/connections",
        "connection": "/connections/tea",
        "operations": "/operations/",
        "doctor": "/doctor",
        "activity": "/activity",
        "users": "/users",
        "tokens": "/tokens",
        "account": "/account",
    }


def take(page: Page, path: Path) -> None:
    """Write a picture of the page, as far as a picture of this width goes."""
    # What was typed may have scrolled it, and what sticks to the window would stand in the middle.
    page.evaluate("scrollTo(0, 0)")
    width, tallest = page.viewport_size["width"], 0  # type: ignore[index]  # each of our pages has a size
    tallest = min(page.evaluate("document.documentElement.scrollHeight"), _TALLEST[width])
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tallest})
    if found := shutil.which("pngquant"):
        # A third of the bytes, and no difference that one sees: a page has few colours.
        subprocess.run([found, "--force", "--strip", "--speed", "1", "--output", path, "128", path], check=True)  # noqa: S603 - ours


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
