"""The recorded WooCommerce exchanges, and how two replies are compared: what matters, not what is accidental."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from connectors.sandbox.exchange import Request, Response
from connectors.sandbox.woocommerce.auth import signature
from connectors.sandbox.woocommerce.settings import ApiKey
from tests.shared import shared_path

FULL_KEY = ApiKey("ck_full", "cs_full")
READING_KEY = ApiKey("ck_reading", "cs_reading", "read")
DIFFERENCES = Path(__file__).with_name("sandbox_woocommerce_differences.yaml")

#: Headers whose value must be equal.
_EQUAL_HEADERS = ("Content-Type", "X-WP-Total", "X-WP-TotalPages", "Allow", "Retry-After", "Cache-Control")
#: Text that must be equal where both have it: amounts and states, all computed by the shop.
_EQUAL_VALUES = frozenset(
    {
        "code",
        "message",
        "status",
        "total",
        "total_tax",
        "subtotal",
        "subtotal_tax",
        "amount",
        "cart_tax",
        "discount_total",
        "discount_tax",
        "shipping_total",
        "shipping_tax",
        "tax_total",
        "shipping_tax_total",
        "discount",
        "price",
        "sku",
        "quantity",
        "currency",
        "number",
        "tax_class",
        "rate_code",
        "product_id",
        "variation_id",
        "is_fulfilled",
    }
)


@dataclasses.dataclass(frozen=True)
class Exchange:
    name: str
    #: Seconds since the epoch when the request was sent.
    sent_at: float
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    response: dict[str, Any]

    @property
    def number(self) -> int:
        return int(self.name.split("-")[0])


def exchanges() -> list[Exchange]:
    folder = shared_path("captures/woocommerce")
    found = [_read(path) for path in folder.glob("[0-9]*.json")]
    return sorted(found, key=lambda exchange: exchange.number)


def _read(path: Path) -> Exchange:
    recorded = json.loads(path.read_text())
    request = recorded["request"]
    body = json.dumps(request["json"]) if request["json"] is not None else request["body"] or ""
    sent_at = dt.datetime.fromisoformat(recorded["at"]).timestamp() - recorded["elapsed_ms"] / 1_000
    return Exchange(
        path.name, sent_at, request["method"], request["url"], request["headers"], body.encode(), recorded["response"]
    )


def as_request(exchange: Exchange) -> Request:
    """The recorded request with our keys in the place of the masked ones."""
    address = urlsplit(exchange.url)
    headers = {name.lower(): value for name, value in exchange.headers.items()} | {"host": address.netloc}
    target = exchange.url.removeprefix(f"{address.scheme}://{address.netloc}")
    if "authorization" in headers:
        key = READING_KEY if "readonly" in exchange.name else FULL_KEY
        secret = "wrong" if "wrong-secret" in exchange.name else key.secret
        headers["authorization"] = "Basic " + base64.b64encode(f"{key.key}:{secret}".encode()).decode()
    elif "consumer_key=" in target and "oauth_" not in target:
        target = f"{address.path}?consumer_key={FULL_KEY.key}&consumer_secret={FULL_KEY.secret}"
    elif "oauth_consumer_key=" in target:
        parameters = dict(parse_qsl(address.query)) | {"oauth_consumer_key": FULL_KEY.key}
        del parameters["oauth_signature"]
        url = f"http://{address.netloc}{address.path}"
        signed = signature("GET", url, parameters, FULL_KEY.secret, "sha256")
        pairs = [*parameters.items(), ("oauth_signature", signed)]
        target = f"{address.path}?" + "&".join(f"{name}={_quoted(value)}" for name, value in pairs)
    # Nothing listens there: a test sends no webhook to whatever runs on this machine.
    body = exchange.body.replace(b"127.0.0.1:8899", b"127.0.0.1:9").replace(b"127.0.0.1:8898", b"127.0.0.1:9")
    return Request(exchange.method, target, headers, body)


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace("+", "%2B").replace("=", "%3D").replace("/", "%2F")


def differences(recorded: dict[str, Any], got: Response) -> Iterator[str]:
    """Every difference that matters, as `place: recorded | got`."""
    if recorded["status"] != got.status:
        yield f"status: {recorded['status']} | {got.status}"
    yield from _header_differences(recorded["headers"], dict(got.headers))
    try:
        body = json.loads(got.body)
    except ValueError:
        body = None
    if (recorded["json"] is None) != (body is None):
        yield f"body: {'JSON' if recorded['json'] is not None else 'no JSON'} | the other"
    elif body is not None:
        yield from _body_differences("", recorded["json"], body)


def _header_differences(recorded: dict[str, str], got: dict[str, str]) -> Iterator[str]:
    for name in _EQUAL_HEADERS:
        if recorded.get(name) != got.get(name):
            yield f"header {name}: {recorded.get(name)} | {got.get(name)}"
    for name in ("Link", "Location"):
        mine, theirs = (re.sub(r"\d+\b(?=>|$)", "N", value.get(name, "")) for value in (recorded, got))
        if mine != theirs:
            yield f"header {name}: {mine} | {theirs}"


def _body_differences(place: str, recorded: Any, got: Any) -> Iterator[str]:
    if _kind(recorded) != _kind(got):
        yield f"{place or 'body'} type: {_kind(recorded)} | {_kind(got)}"
    elif isinstance(recorded, dict):
        for name in recorded.keys() - got.keys():
            yield f"{place}.{name}: there | missing"
        for name in got.keys() - recorded.keys():
            yield f"{place}.{name}: missing | there"
        for name in recorded.keys() & got.keys():
            yield from _value_differences(f"{place}.{name}", name, recorded[name], got[name])
    elif isinstance(recorded, list):
        if len(recorded) != len(got):
            yield f"{place}[] length: {len(recorded)} | {len(got)}"
        for mine, theirs in zip(recorded, got, strict=False):
            yield from _body_differences(f"{place}[]", mine, theirs)


def _value_differences(place: str, name: str, recorded: Any, got: Any) -> Iterator[str]:
    scalar = not isinstance(recorded, dict | list)
    if name in _EQUAL_VALUES and scalar and _kind(recorded) == _kind(got) and recorded != got:
        yield f"{place} value: {recorded} | {got}"
    yield from _body_differences(place, recorded, got)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return {dict: "object", list: "list", str: "text", type(None): "null"}[type(value)]


@dataclasses.dataclass(frozen=True)
class Allowed:
    """A line of the list: which exchanges and which difference (regular expressions), and why."""

    files: str
    difference: str
    reason: str


def allowed_differences() -> list[Allowed]:
    return [Allowed(**line) for line in yaml.safe_load(DIFFERENCES.read_text())]
