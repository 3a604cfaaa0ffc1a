"""A WooCommerce connector whose answers are recorded or made up: what its tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.kit.base import ConnectorSettings
from connectors.woocommerce import WooCommerce
from tests.shared import shared_path

URL = "https://shop.example"
API = f"{URL}/wp-json/wc/v3"


def captures() -> Path:
    return shared_path("captures/woocommerce")


def connect(url: str = URL, key: str = "ck_1", secret: str = "cs_1", **settings: Any) -> WooCommerce:
    return WooCommerce(ConnectorSettings(name="shop", url=url, key=key, secret=secret, **settings))


def recorded(name: str) -> dict[str, Any]:
    [path] = captures().glob(f"{name}-*.json")
    exchange: dict[str, Any] = json.loads(path.read_text())
    return exchange


def replay(mock: Any, name: str, url: str, method: str = "GET", **changes: str) -> Any:
    """Answer `url` with what was recorded."""
    answer = recorded(name)["response"]
    body = json.dumps(answer["json"], ensure_ascii=False) if answer["json"] is not None else answer["text"]
    kept = ("Retry-After", "X-WP-Total", "X-WP-TotalPages", "Date", "Content-Type")
    headers = {key: value for key, value in answer["headers"].items() if key in kept} | changes
    kind = headers.pop("Content-Type")
    mock.add(method, url, body=body.encode(), status=answer["status"], headers=headers, content_type=kind)
    return answer["json"]


def query(call: Any) -> dict[str, str]:
    """The parameters of a call's address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(call.request.url).query).items()}


def sent(call: Any) -> Any:
    """The JSON of a call's body."""
    return json.loads(call.request.body)
