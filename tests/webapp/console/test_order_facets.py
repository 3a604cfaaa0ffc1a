"""The way back on the order page, with a shop and an ERP behind it: what people see, save and have sent again."""

from __future__ import annotations

import re

import pytest
import requests
from sqlalchemy import select, update

from sync.flows.facets.follow import follow
from sync.store.bodies import dump_json, load_json, pack, unpack
from sync.store.intents import UNDECIDED
from sync.store.tables import audit, documents, intents, issue_documents, issues, orders, work_items
from sync.store.types import db_now
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from tests.shared import PATIENCE_S
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from tests.webapp.console.selling import CHANNEL, selling

__all__ = ["foreigner", "pseudo_language"]

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


def in_erp(home, method, path, body=None):
    answer = requests.request(method, f"{home.erp.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def sent(home):
    """An order that has left in one parcel, with its invoice posted: its page."""
    [order] = home.shop.place(1)
    home.carry()
    [sale] = [str(number) for number in home.erp.books.state.sales]
    in_erp(home, "POST", f"sales/{sale}/send", {"tracking": [{"number": "T-17", "url": ""}]})
    [invoice, *_] = in_erp(home, "GET", f"sales/{sale}")["invoices"]
    in_erp(home, "POST", f"invoices/{invoice['id']}/post", {})
    with Runtime(home.settings) as runtime:
        since = runtime.config.channels[CHANNEL].policies.start_at
        follow(runtime.store, runtime.systems.connector("erp"), "erp", since=since)
        drain_channel(runtime.store, runtime.systems.channel(CHANNEL), "order", ring=lambda channel, kind: None)
    return f"/orders/{CHANNEL}/{order}"


def column(store, which):
    return store.read(lambda c: list(c.execute(select(which)).scalars()))


def test_a_viewer_sees_parcels_and_invoices_and_saves_the_file(sent, store, browser):
    viewer = browser("viewer")
    page = viewer.get(sent).text
    invoices = select(documents.c.number).where(documents.c.kind == "invoice")
    [number] = store.read(lambda c: list(c.execute(invoices).scalars()))
    for text in (
        "What came of it",
        "T-17",
        "Told",
        number,
        "First seen",
        "Told to the shop",
        "show parcel in the shop",
    ):
        assert text in page, text
    [address] = set(re.findall(rf'href="({re.escape(sent)}/files/[\w-]+)"', page))
    file = viewer.get(address)
    assert (file.status_code, file.headers["Cache-Control"]) == (200, "no-store")
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert file.data
    assert browser().get(address).status_code == 302


def test_each_document_leads_to_its_page_in_the_erp(sent, home, browser, monkeypatch):
    monkeypatch.setattr(
        "webapp.console.order.page_of", lambda systems, name, kind, id_: f"https://{name}.test/{kind}/{id_}"
    )
    page = browser("viewer").get(sent).text
    for kind in ("sale", "shipment", "invoice"):
        [address] = set(re.findall(rf'href="(https://erp\.test/{kind}/\d+)" rel="noreferrer"', page))
        assert not address.endswith("/0")


def test_it_is_in_the_readers_language(sent, foreigner):
    assert unmarked(foreigner("viewer").get(sent).text) == []


def test_what_other_systems_write_there_is_only_text(sent, store, browser):
    evil = "\"'><script>alert(1)</script>"
    body = pack(
        b'{"back": false, "carrier": "<script>alert(1)</script>", "sent_on": "<script>alert(1)</script>",'
        b' "lines": [{"code": "<script>alert(1)</script>", "quantity": "1"}], "parcels":'
        b' [{"tracking_number": "<script>alert(1)</script>", "tracking_url": "javascript:alert(1)"}]}'
    )
    store.write(
        lambda c: c.execute(
            update(documents).where(documents.c.kind == "shipment").values(body=body, number=evil, state=evil)
        )
    )
    page = browser("viewer").get(sent).text
    assert page.count("&lt;script&gt;alert(1)") >= 5
    assert "<script>alert(1)" not in page
    assert 'href="javascript:' not in page


def test_what_gateways_kept_and_what_is_none_are_shown_as_text_in_the_readers_language(sent, store, browser, foreigner):
    def keep(connection):
        [canonical] = connection.execute(select(orders.c.canonical)).scalars()
        order = load_json(unpack(canonical))
        [payment] = order["payments"]
        payment["fee"] = "0.68"
        order["attributes"]["unread_fees"] = {"<script>alert(1)</script>": "<script>alert(2)</script> USD"}
        connection.execute(update(orders).values(canonical=pack(dump_json(order))))

    assert "What gateways kept" not in browser("viewer").get(sent).text
    store.write(keep)
    page = browser("viewer").get(sent).text
    assert "What gateways kept" in page
    assert "0.68" in page
    assert page.count("&lt;script&gt;alert(") >= 2
    assert "<script>alert(" not in page
    assert unmarked(foreigner("viewer").get(sent).text) == []


@pytest.fixture
def lost(sent, store):
    """The same order after a mail of which nobody knows whether it went out."""

    def lose(connection):
        item = connection.execute(select(work_items.c.id)).scalar_one()
        now = db_now()
        connection.execute(update(work_items).values(state="held", reason="nobody knows"))
        connection.execute(
            intents.insert().values(
                item_id=item, channel=CHANNEL, connection="shop", kind="note", action="create", key="1-9",
                lease_token="t", sent_at=now, settles_at=now, closed_at=now, outcome=UNDECIDED,
            )
        )  # fmt: skip
        issue = connection.execute(
            issues.insert().values(
                fingerprint="u", cause="unknown_outcome", subject="note", channel=CHANNEL, connection="shop",
                title="a note may have been sent", next_step="look", owner="operator", opened_at=now, seen_at=now,
            )
        ).inserted_primary_key[0]  # fmt: skip
        connection.execute(issue_documents.insert().values(issue_id=issue, item_id=item, details="[]", opened_at=now))

    store.write(lose)
    return sent


def test_what_may_have_been_sent_is_sent_again_only_after_it_was_confirmed(lost, store, browser):
    anna = browser("operator")
    assert f'href="{lost}/resend"' in anna.get(lost).text
    page = anna.get(f"{lost}/resend").text
    assert "write note in the shop" in page
    assert column(store, work_items.c.state) == ["held"]
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)[1]
    assert anna.post(f"{lost}/resend", seen="0" * 16).status_code == 409
    assert anna.post(f"{lost}/resend", seen=seen).status_code == 303
    assert column(store, work_items.c.state) == ["ready"]
    assert "resend" in column(store, audit.c.action)
    assert anna.post(f"{lost}/resend").status_code == 409


def test_a_viewer_is_not_offered_to_send_again(lost, browser):
    viewer = browser("viewer")
    assert f"{lost}/resend" not in viewer.get(lost).text
    assert viewer.get(f"{lost}/resend").status_code == 403
