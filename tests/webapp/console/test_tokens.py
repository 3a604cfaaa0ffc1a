"""The page of the API's tokens."""

from __future__ import annotations

import re

from sync.desk.tokens import authenticate, list_tokens


def made_by(page):
    return re.search(r"<code>(cdk_[0-9A-Za-z]{42})</code>", page)[1]


def test_a_new_token_is_shown_once_and_works_until_it_is_revoked(browser, store):
    admin = browser("admin")
    page = admin.post("/tokens", name="shop", scope=["orders:read", "issues:read"], days="30")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    token = made_by(page.text)
    assert authenticate(store, token).scopes == {"orders:read", "issues:read"}
    listed = admin.get("/tokens").text
    assert token not in listed
    assert token[:8] in listed
    admin.post("/tokens/shop/revoke")
    assert authenticate(store, token) is None
    assert "Revoked" in admin.get("/tokens").text


def test_what_was_typed_is_still_there_beside_what_is_wrong(browser, store):
    page = browser("admin").post("/tokens", name="Über", scope="orders:read", days="7")
    assert page.status_code == 422
    assert re.search(r'aria-invalid="true".*is none', page.text, re.DOTALL)
    assert 'value="orders:read" checked' in page.text
    assert list_tokens(store) == []


def test_a_number_of_days_that_is_none_is_refused(browser):
    for days in ("-1", "0", "x", "9" * 40, "\N{ARABIC-INDIC DIGIT ONE}"):
        assert browser("admin").post("/tokens", name="shop", scope="orders:read", days=days).status_code == 422
