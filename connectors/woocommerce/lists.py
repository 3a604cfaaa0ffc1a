"""Reading WooCommerce's lists: what an answer must be to be taken for one, and all the pages of a short one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Protocol

from connectors.kit.answers import Response
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.words import say
from connectors.woocommerce import rows

MAX_PER_PAGE = 100


class Get(Protocol):
    """A GET below the API's address, kept out of caches."""

    def __call__(self, path: str, params: Mapping[str, str | int]) -> Response:
        """The answer. Raises Transient, ConnectionBroken, RecordRejected."""
        ...


def rows_of(answer: Response) -> list[JsonDict]:
    """The rows of a list. Raises Transient for anything else: a cache's or a plugin's page is no empty list."""
    data = answer.data
    if not isinstance(data, list) or not all(isinstance(row, dict) and type(row.get("id")) is int for row in data):
        msg = say("%(path)s was answered with something that is no list of records", path=answer.path)
        raise Transient(msg, code="not_a_list")
    return data


def pages_of(answer: Response, per_page: int) -> int:
    """From the header; without it a full page is taken to have a successor."""
    told = answer.headers.get("X-WP-TotalPages", "")
    if told.isdecimal():
        return int(told)
    if len(answer.data) < per_page:
        return 1
    raise ConnectionBroken(say("the shop's answers lack X-WP-TotalPages; let the proxy in front of it pass the header"))


def now_of(answer: Response) -> dt.datetime:
    """The shop's clock; ours only where a proxy has taken the header away."""
    try:
        return rows.floor(parsedate_to_datetime(answer.headers.get("Date", "")))
    except ValueError:
        return rows.floor(dt.datetime.now(tz=dt.UTC))


def whole_list(get: Get, path: str, params: Mapping[str, str | int]) -> list[JsonDict]:
    """All rows of a list that does not move while it is read, without their links."""
    found: list[JsonDict] = []
    number, pages = 1, 1
    while number <= pages:
        answer = get(path, {**params, "per_page": MAX_PER_PAGE, "page": number})
        found += rows_of(answer)
        pages, number = pages_of(answer, MAX_PER_PAGE), number + 1
    for row in found:
        row.pop("_links", None)
    return found


def record_id(text: str, what: str = "order") -> str:
    """The id of a record as it may stand in an address. Raises RecordRejected for what is none."""
    if text.isascii() and text.isdecimal():
        return text
    msg = say("%(id)s is no WooCommerce %(what)s id: it must be a whole number", id=repr(text), what=what)
    raise RecordRejected(msg, field="id")
