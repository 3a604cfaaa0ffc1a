"""Every recorded or published order of WooCommerce: reads, lists, creates, batches, webhook deliveries."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mappings.canonical.errors import MappingError
from mappings.canonical.jsontext import read_json
from tests.shared import SHARED, shared_path

REFUSALS = Path(__file__).with_name("refusals.yaml")


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One order body and where it stands, e.g. `vendor/woocommerce/orders/orders_page.json[0]`."""

    where: str
    body: dict[str, Any]


@cache
def recorded_orders() -> tuple[Recorded, ...]:
    """All of them, in the order of their files."""
    folders = [shared_path("captures/woocommerce"), shared_path("vendor/woocommerce")]
    return tuple(
        Recorded(f"{file.relative_to(SHARED)}{path}", body)
        for folder in folders
        for file in sorted(folder.rglob("*.json"))
        for path, body in _orders(_document(file.read_bytes()))
    )


def _document(data: bytes) -> Any:
    """The file's JSON; of a recorded webhook the signed body itself, which a ping has not."""
    document = read_json(data)
    if not isinstance(document, dict) or "body_b64" not in document:
        return document
    try:
        return read_json(base64.b64decode(document["body_b64"]))
    except MappingError:
        return None


def _orders(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Whatever has the shape of an order, at any depth; refunds have no billing, requests no total."""
    if isinstance(value, dict):
        if {"line_items", "billing", "total"} <= value.keys():
            yield path, value
            return
        for key, child in value.items():
            yield from _orders(child, f"{path}.{key}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _orders(child, f"{path}[{index}]")


@cache
def refusals() -> dict[str, dict[str, str]]:
    """Where -> what is expected to be wrong with it, and why that is right."""
    return {line["file"]: line for line in yaml.safe_load(REFUSALS.read_text())}
