"""The pages of users and of the audit."""

from __future__ import annotations

import csv
import io
import re

import pytest

from sync.desk import accounts
from sync.store.audit import Actor, record_audit

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def shown_password(page):
    return re.search(r"<code>([a-z0-9]{5}(?:-[a-z0-9]{5}){3})</code>", page)[1]


def test_a_new_user_gets_a_password_that_is_shown_once_and_works(browser):
    admin = browser("admin")
    page = admin.post("/users", login="Grace", role="operator")
    assert page.headers["Cache-Control"] == "no-store"
    password = shown_password(page.text)
    assert browser().sign_in("grace", password).status_code == 303
    assert password not in admin.get("/users/grace").text


def test_a_user_that_is_there_already_is_said_beside_the_field(browser):
    page = browser("admin").post("/users", login="viewer", role="operator")
    assert page.status_code == 422
    assert re.search(r'aria-invalid="true".*There is a user viewer already', page.text, re.DOTALL)


def test_a_new_password_signs_out_and_works(browser):
    admin, viewer = browser("admin"), browser("viewer")
    password = shown_password(admin.post("/users/viewer/password").text)
    assert viewer.get("/account").status_code == 302
    assert browser().sign_in("viewer", password).status_code == 303


def test_disabling_and_enabling(browser, store):
    admin = browser("admin")
    admin.post("/users/viewer/disable")
    assert not accounts.find_user(store, "viewer").active
    assert "Disabled" in admin.get("/users/viewer").text
    admin.post("/users/viewer/enable")
    assert accounts.find_user(store, "viewer").active


def test_the_last_admin_is_told_why_not(browser):
    page = browser("admin").post("/users/admin/disable")
    assert page.status_code == 422
    assert "admin is the only admin" in page.text


@pytest.mark.parametrize("path", ["/users/nobody", "/users/%3Cscript%3E"])
def test_a_user_that_does_not_exist_is_not_found(browser, path):
    answer = browser("admin").get(path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text.replace("<script nonce", "")


@pytest.fixture
def hostile(store):
    actor = Actor(f"=cmd|{HOSTILE}"[:128], HOSTILE)
    store.write(
        lambda c: record_audit(
            c, actor, "approve", f"order:web:{HOSTILE}", before=HOSTILE, after="+1", reason="@SUM(A1)"
        )
    )


def test_what_strangers_wrote_is_inert_on_the_page(browser, hostile):
    page = browser("viewer").get("/activity").text
    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_the_file_of_the_audit_is_safe_and_whole(browser, hostile):
    answer = browser("viewer").get("/activity.csv?action=approve")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert [row["after"] for row in rows] == ["'+1"]
    assert rows[0]["reason"] == "'@SUM(A1)"
    assert rows[0]["actor"].startswith("'=cmd|")
    assert rows[0]["at"].endswith("Z")


def test_filters_stand_in_the_address_and_in_every_link(browser, store):
    for number in range(120):
        store.write(lambda c, n=number: record_audit(c, Actor("eve"), "retry", f"order:web:{n}"))
    viewer = browser("viewer")
    page = viewer.get("/activity?actor=eve&since=2020-01-01").text
    assert page.count("order:web:") == 50
    older = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert older.startswith("/activity?actor=eve&since=2020-01-01&below=")
    assert viewer.get(older).text.count("order:web:") == 50
    assert '<option value="eve" selected' in page


@pytest.mark.parametrize(
    "query", ["below=x", "below=9" * 30, "since=yesterday", "until=2026-13-40", "actor=%00", "text=%25%5C"]
)
def test_nonsense_in_the_address_is_no_error(browser, query):
    assert browser("viewer").get(f"/activity?{query}").status_code == 200
