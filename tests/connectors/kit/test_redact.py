from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.redact import MASK, Redactor

SECRETS = st.text(min_size=4, max_size=30).filter(lambda text: MASK not in text and len(set(text)) > 2)


@given(SECRETS, st.text(max_size=20))
def test_a_known_secret_does_not_show_in_any_form_in_which_it_travels(secret, around):
    redactor = Redactor([secret])
    for form in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ):
        assert form not in redactor.text(f"{around}|{form}|{around}").replace(around, "")


def test_basic_credentials_made_of_known_secrets_do_not_show():
    packed = base64.b64encode(b"ck_key:cs_secret").decode()
    assert Redactor(["ck_key", "cs_secret"]).text(f"sent {packed} on") == "sent *** on"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "a\\"b", "name": "c"}', '{"password": "***", "name": "c"}'),
        ('{"oauth_token":"abc"}', '{"oauth_token":"***"}'),
        ('{"access_token": "cut off in the mid', '{"access_token": "***'),
        ("grant_type=x&client_secret=abc&scope=y", "grant_type=x&client_secret=***&scope=y"),
        ("see https://me:pass@host/path", "see https://***@host/path"),
        ('{"key": "_billing_vat", "value": "DE1"}', '{"key": "_billing_vat", "value": "DE1"}'),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_values_of_telling_names_are_masked_and_nothing_else(text, shown):
    assert Redactor().text(text) == shown


@given(st.integers(0, 300), st.integers(5, 200))
def test_a_cut_body_never_shows_a_part_of_a_secret(offset, limit):
    secret = "S3CR3T-" + "x" * 40
    for body in ("a" * offset + secret + "b" * 100, ("a" * offset + secret + "b" * 100).encode()):
        assert "S3C" not in Redactor([secret]).body(body, limit)


def test_short_values_are_no_secrets():
    assert Redactor(["a", "", "ab"]).text("banana about") == "banana about"


def test_headers_are_masked_by_name_or_by_value():
    shown = Redactor(["geheim-1"]).headers({"Cookie": "x", "X-Api-Key": "y", "X-Note": "a geheim-1 b", "Accept": "z"})
    assert shown == {"Cookie": "***", "X-Api-Key": "***", "X-Note": "a *** b", "Accept": "z"}
