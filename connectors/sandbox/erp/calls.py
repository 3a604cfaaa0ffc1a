"""What all routes of the sandbox ERP share: reading a call, and answering for each item of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from connectors.sandbox.erp.documents import JsonDict, Refused
from connectors.sandbox.exchange import Request, Response, json_response

#: Items that one bulk call takes.
BULK_LIMIT: Final = 100

#: What was decided; calling it commits and answers.
Commit = Callable[[], Response]

_JSON_NAMES: Final[dict[type, str]] = {dict: "object", int: "whole number"}

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def refusal(refused: Refused) -> Commit:
    """The answer that nothing was done."""
    return lambda: json_response(refused.to_json(), refused.status)


def tried(decide: Callable[[Item], Outcome], item: Item) -> Outcome | Refused:
    """What was decided on one item, or why it is refused."""
    try:
        return decide(item)
    except Refused as refused:
        return refused


def at(index: int, decide: Callable[[Item], Outcome], item: Item) -> Outcome:
    """The same for an item of a call that is all or nothing."""
    try:
        return decide(item)
    except Refused as refused:
        raise refused.at(f"[{index}].") from refused


def result(commit: Callable[[Item], JsonDict], decided: Item | Refused) -> JsonDict:
    """The result of one item of a bulk call."""
    if isinstance(decided, Refused):
        return {"ok": False, "error": decided.to_json()}
    try:
        return commit(decided)
    except Refused as refused:
        return {"ok": False, "error": refused.to_json()}


def json_of(request: Request) -> Any:
    """The body. Raises Refused."""
    try:
        return request.json()
    except ValueError:
        raise Refused(400, "bad_json", "the body is no JSON") from None


def object_of(request: Request) -> JsonDict:
    """The body, an object. Raises Refused."""
    payload = json_of(request)
    if not isinstance(payload, dict):
        raise Refused(400, "bad_request", "the body must be a JSON object")
    return payload


def items(found: object, kind: type[Item]) -> Sequence[Item]:
    """The items of a bulk call. Raises Refused."""
    if not isinstance(found, list) or not found or not all(isinstance(item, kind) for item in found):
        raise Refused(400, "bad_request", f"a list with at least one item is wanted, each a JSON {_JSON_NAMES[kind]}")
    if len(found) > BULK_LIMIT:
        raise Refused(413, "too_many", f"at most {BULK_LIMIT} items a call")
    return found


def values(request: Request, name: str) -> list[str]:
    """All values of a query parameter."""
    return [value for found, value in request.query if found == name]


def value(request: Request, name: str) -> str:
    """The first value of a query parameter; empty where there is none."""
    return next(iter(values(request, name)), "")


def number(found: str, name: str) -> int:
    """A whole number. Raises Refused."""
    if not found.isascii() or not found.isdigit():
        raise Refused(400, "bad_request", f"{name} must be a whole number", name)
    return int(found)


def limit(request: Request, most: int) -> int:
    """How many lines a page has, `most` of them unless fewer are asked for. Raises Refused."""
    return min(number(value(request, "limit") or str(most), "limit"), most)
