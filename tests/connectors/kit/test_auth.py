from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from requests import PreparedRequest

from connectors.kit.auth import Basic, Bearer, HeaderKey, OAuth1, QueryKeys, SessionLogin, oauth1_base_string


def prepared(auth, method="GET", url="http://shop.example/wp-json/wc/v3/orders"):
    request = PreparedRequest()
    request.prepare(method=method, url=url, headers={}, auth=auth)
    return request


def test_basic_is_utf_8():
    header = prepared(Basic("ck_1", "geheim-ß")).headers["Authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "ck_1:geheim-ß"


def test_a_key_goes_into_its_header():
    assert prepared(Bearer("t")).headers["Authorization"] == "Bearer t"
    assert prepared(HeaderKey("X-Api-Key", "k")).headers["X-Api-Key"] == "k"


def test_query_keys_join_the_query_that_is_there():
    url = prepared(QueryKeys(consumer_key="ck&1", consumer_secret="cs 2"), url="https://s.example/o?page=2").url
    assert parse_qs(urlsplit(url).query) == {"page": ["2"], "consumer_key": ["ck&1"], "consumer_secret": ["cs 2"]}


def test_the_base_string_is_that_of_the_standard():
    """RFC 5849, 3.4.1.1, with the parameters of its header and body moved into the query, where ours are."""
    url = (
        "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2=&a3=2+q"
        "&oauth_consumer_key=9djdj82h48djs9d2&oauth_token=kkk9d7dh3k39sjv7&oauth_signature_method=HMAC-SHA1"
        "&oauth_timestamp=137131201&oauth_nonce=7d8f3e4a&oauth_signature=bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"
    )
    assert oauth1_base_string("post", url) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q"
        "%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_"
        "key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_m"
        "ethod%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk"
        "9d7dh3k39sjv7"
    )


def woocommerce_accepts(method, url, secret):
    """The shop's check, after class-wc-rest-authentication.php `check_oauth_signature`, from the request it sees."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    signature = given.pop("oauth_signature")
    address = quote(f"http://{parts.netloc}{parts.path}", safe="-._~")
    pairs = sorted((quote(k, safe="-._~"), quote(v, safe="-._~")) for k, v in given.items())
    query = "%26".join(quote(k, safe="-._~") + "%3D" + quote(v, safe="-._~") for k, v in pairs)
    text = f"{method.upper()}&{address}&{query}"
    expected = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64decode(signature), expected)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8801/wp-json/wc/v3/orders",
        "http://shop.example/blog/wp-json/wc/v3/orders?per_page=1&page=2",
        "http://shop.example/wp-json/wc/v3/orders?modified_after=2026-11-21T23%3A01%3A56&status=any&search=a%20b%2Bc+d",
        "http://shop.example/wp-json/wc/v3/products?sku=SET%2F%C3%84%C3%96%20%231%2CB&empty=",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_signed_request_is_accepted_by_the_shops_own_check(url, method):
    signed = prepared(OAuth1("ck_1", "cs_0f3a"), method, url).url
    assert woocommerce_accepts(method, signed, "cs_0f3a")
    assert not woocommerce_accepts(method, signed, "cs_other")
    assert not woocommerce_accepts(method, signed.replace("/orders", "/customers").replace("sku=", "sku=X"), "cs_0f3a")


def test_each_request_has_its_own_nonce_and_the_time_of_its_sending():
    auth = OAuth1("ck", "cs", clock=lambda: 1_795_302_059.9)
    first, second = (dict(parse_qsl(urlsplit(prepared(auth).url).query)) for _ in range(2))
    assert first["oauth_nonce"] != second["oauth_nonce"]
    assert first["oauth_timestamp"] == "1795302059"
    assert first["oauth_signature_method"] == "HMAC-SHA256"


def test_the_login_is_made_when_it_is_first_needed():
    calls = []
    auth = SessionLogin(lambda: calls.append(1) or "Session s")
    assert calls == []
    assert prepared(auth).headers["Authorization"] == "Session s"
    prepared(auth)
    assert calls == [1]


def test_a_failed_login_is_tried_again_by_the_next_request():
    answers = iter([RuntimeError("away"), "Session s"])

    def login():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    auth = SessionLogin(login)
    with pytest.raises(RuntimeError):
        prepared(auth)
    assert prepared(auth).headers["Authorization"] == "Session s"
