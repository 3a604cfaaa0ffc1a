"""The routes of the recorded WooCommerce 11.0.1 as it publishes them (`GET /wp-json/`), to hold requests against.

Each route names its methods and, for each argument, type, enumeration and whether it is required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.kit.exchanges import Exchange
from tests.shared import shared_path

_BASE = "/wp-json"
#: Of WordPress itself, of OAuth 1.0a, and ours against caches: no route lists them.
_EVERYWHERE = ("_fields", "_nocache", "oauth_")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


@cache
def _routes() -> list[tuple[re.Pattern[str], list[dict[str, Any]]]]:
    index = json.loads(shared_path("captures/woocommerce/113-api-index.json").read_text())["response"]["json"]
    found = [(re.compile(path), route["endpoints"]) for path, route in index["routes"].items()]
    # WordPress takes the first that matches; a pattern with a name matches what a plain path stands for, too.
    return sorted(found, key=lambda route: "(?P" in route[0].pattern)


def arguments(method: str, path: str) -> dict[str, Any]:
    """The arguments of a call. Raises LookupError for one that the shop does not have."""
    for pattern, endpoints in _routes():
        if pattern.fullmatch(path.removeprefix(_BASE)):
            for endpoint in endpoints:
                if method in endpoint["methods"]:
                    known: dict[str, Any] = endpoint["args"] or {}
                    return known
    raise LookupError(f"{method} {path}")


def complaints(exchange: Exchange) -> Iterator[str]:
    """What the shop's own description has against a request."""
    address = urlsplit(exchange.url)
    known = arguments(exchange.method, address.path)
    for name, _ in parse_qsl(address.query):
        if name not in known and not name.startswith(_EVERYWHERE):
            yield f"{address.path}: unknown parameter {name}"
    body = json.loads(exchange.request_body) if exchange.request_body else {}
    if address.path.endswith("/batch"):
        for item in body.pop("update", ()):
            yield from _fields(address.path, item, known | {"id": {"type": "integer", "required": True}})
        known = {}
    yield from _fields(address.path, body, known if exchange.method not in {"GET", "DELETE"} else {})


def _fields(place: str, sent: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    for name in sent.keys() - known.keys():
        yield f"{place}: unknown field {name}"
    for name, schema in known.items():
        if name in sent:
            yield from _value(f"{place} {name}", sent[name], schema)
        elif schema.get("required") and f"<{name}>" not in place:
            yield f"{place}: {name} is required"


def _value(place: str, value: Any, schema: dict[str, Any]) -> Iterator[str]:
    allowed = schema.get("type", list(_TYPES))
    kinds = [allowed] if isinstance(allowed, str) else allowed
    if not any(isinstance(value, _TYPES[kind]) and (kind == "boolean") >= isinstance(value, bool) for kind in kinds):
        yield f"{place}: {value!r} is not {' or '.join(kinds)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    elif isinstance(value, dict) and schema.get("properties"):
        yield from _fields(place, value, schema["properties"])
    elif isinstance(value, list) and schema.get("items"):
        for entry in value:
            yield from _value(place, entry, schema["items"])
