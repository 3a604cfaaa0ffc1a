"""Files by signed links: nobody gets one without, nobody after its end, and no file does anything in a browser."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert

from config.model import Secret
from sync.rules.links import FileLinks
from sync.store.bodies import pack
from sync.store.files import save_file
from sync.store.tables import documents, orders, work_items
from sync.store.types import db_now
from webapp.files import PER_ADDRESS

ODT = "application/vnd.oasis.opendocument.text"
KEY = "the-key-of-this-installation-0123456789"
HOSTILE = '../..\\"; filename="x.html\r\nSet-Cookie: a=b\u202efdp.<script>'


@pytest.fixture
def app(make_app):
    return make_app(CROSSDOCK_SECRET_KEY=KEY, CROSSDOCK_PUBLIC_URL="https://hub.test")


@pytest.fixture
def client(app):
    return app.test_client()


def keep(store, name="invoice.pdf", content_type="application/pdf", body=b"%PDF-1.7"):
    """The token of a file of some invoice."""

    def write(connection):
        now = db_now()
        item = connection.execute(
            insert(work_items).values(
                channel="web", kind="order", external_id="7", due_at=now, created_at=now, updated_at=now
            )
        ).inserted_primary_key[0]
        order = connection.execute(
            insert(orders).values(
                channel="web", external_id="7", item_id=item, number="7", source_state="processing", version="1",
                currency="EUR", grand="1.00", grand_sort=10000, placed_at=now, placed_on="2026-11-01",
                mapping_version="1", canonical=pack(b"{}"), created_at=now, updated_at=now,
            )
        ).inserted_primary_key[0]  # fmt: skip
        document = connection.execute(
            insert(documents).values(
                order_id=order, connection="erp", kind="invoice", external_id="9", body=pack(b"{}"),
                first_seen_at=now, seen_at=now,
            )
        ).inserted_primary_key[0]  # fmt: skip
        return save_file(connection, document, name, content_type, body, facts="x").token

    return store.write(write)


def link(token, days=1.0, key=KEY):
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    address = urlsplit(FileLinks("https://hub.test", Secret(key)).link(token, until))
    return f"{address.path}?{address.query}"


def test_a_signed_link_gives_the_file_to_be_saved_and_to_be_kept_by_nobody(store, client):
    answer = client.get(link(keep(store)))
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"%PDF-1.7", "application/pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=invoice.pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


def test_a_link_that_has_ended_says_so_to_whoever_had_it(store, client):
    answer = client.get(link(keep(store), days=-1))
    assert (answer.status_code, answer.mimetype) == (410, "text/plain")
    assert "has ended" in answer.text


@pytest.mark.parametrize("change", ["no signature", "another key", "later end", "another file"])
def test_without_our_signature_there_is_nothing_here(store, client, change):
    token = keep(store)
    good = link(token)
    address = {
        "no signature": f"/files/{token}",
        "another key": link(token, key="another-key-of-another-installation-0123"),
        "later end": re.sub(r"until=\d+", "until=99999999999", good),
        "another file": good.replace(token, "A" * len(token)),
    }[change]
    assert client.get(good).status_code == 200
    assert client.get(address).status_code == 404


def test_a_token_that_is_not_ours_is_not_found_even_with_our_signature(client):
    assert client.get(link("B" * 43)).status_code == 404


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((HOSTILE, "text/html"), (r"filename=[\w.-]+\.bin", "application/octet-stream")),
        (("invoice.exe", "application/pdf"), (r"filename=invoice\.exe\.pdf", "application/pdf")),
        (("", "application/x-evil"), (r"filename=file\.bin", "application/octet-stream")),
        (("Straße 1.odt", f"{ODT}; x=y"), (r".*filename\*=UTF-8''Stra%C3%9Fe-1\.odt", ODT)),
    ],
)
def test_a_hostile_name_or_type_is_inert(store, client, given, sent):
    answer = client.get(link(keep(store, *given, body=b"<script>alert(1)</script>")))
    shown, content_type = sent
    assert (answer.status_code, answer.content_type) == (200, content_type)
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(f"attachment; {shown}", disposition), disposition


def test_one_address_does_not_read_files_all_day(store, client):
    address = link(keep(store))
    answers = [client.get(address).status_code for _ in range(PER_ADDRESS.amount + 1)]
    assert answers == [200] * PER_ADDRESS.amount + [429]
    assert client.get(address, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200
