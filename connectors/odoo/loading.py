"""`load()` as a create that can be repeated: our key is an external id, which Odoo keeps unique.

The context is part of the key: without `{"mode": "update", "noupdate": true}` a second load of the same id writes its
lines a second time. With it an id that is there already is answered, and nothing is written. A failure comes with HTTP
200 and `ids: false`, and has undone the whole call; its messages name the records.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient

#: In every `load`, from the first one on.
CONTEXT: Final[Mapping[str, Any]] = {"mode": "update", "noupdate": True, "tz": "UTC"}
#: So often the same call is made where another one had the better of it.
_TRIES: Final = 3
_BUSY: Final = re.compile(r"could not serialize access|deadlock detected|could not obtain lock", re.IGNORECASE)
_NO_RIGHT: Final = re.compile(r"\bnot allowed to\b", re.IGNORECASE)
#: What stays as it is in the second half of an external id; a space there is refused by the database.
_PLAIN: Final = ":.-_~@#+"


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was kept. `records`: index of a record -> what is wrong with it; `whole` where it is none of them."""

    records: Mapping[int, RecordRejected]
    whole: ConnectorError | None = None


def external_id(module: str, key: str) -> str:
    """The external id of a key of ours."""
    return f"{module}.{quote(key, safe=_PLAIN)}"


def load(
    client: OdooClient,
    model: str,
    payloads: Sequence[JsonDict],
    until: Until,
    *,
    context: Mapping[str, Any] | None = None,
) -> list[int] | Refused:
    """The ids of the payloads' records, in their order, made now or there before. Raises what the client raises.

    A payload has `id` (an external id) or `.id`, and columns: a name that ends with `_id` or `_ids` is a relation whose
    value are ids, a list of objects are lines.
    """
    names = list(dict.fromkeys(name for payload in payloads for name in _columns(payload)))
    data = [row for payload in payloads for row in _rows(payload, names)]
    arguments = {"fields": client.columns(model, names), "data": data}
    told = {**CONTEXT, **(context or {})}
    for attempt in range(1, _TRIES + 1):
        answer = client.write(model, "load", arguments, context=told, deadline_s=until.left_s())
        found = _read(answer, model, len(payloads))
        if not isinstance(found, Refused) or not isinstance(found.whole, Transient) or attempt == _TRIES:
            return found
    raise AssertionError


def _read(answer: Any, model: str, count: int) -> list[int] | Refused:
    """Never by the status: success is one id for each payload, and no error among the messages."""
    ids = answer.get("ids") if isinstance(answer, dict) else None
    messages = answer.get("messages") if isinstance(answer, dict) else None
    errors = [each for each in messages or () if isinstance(each, dict) and each.get("type") == "error"]
    if isinstance(ids, list) and len(ids) == count and all(type(each) is int for each in ids) and not errors:
        return ids
    if ids is False and errors:
        return _refused(errors, count)
    raise OutcomeUnknown(
        say("%(model)s/load was answered with something that is no result of it", model=model), code="shape"
    )


def _refused(errors: Sequence[JsonDict], count: int) -> Refused:
    texts = [str(each.get("message") or "").strip() for each in errors]
    for text in texts:
        if _BUSY.search(text):
            return Refused({}, Transient(text, code="busy"))
        if _NO_RIGHT.search(text):
            return Refused({}, ConnectionBroken(text, code="access"))
    records: dict[int, RecordRejected] = {}
    for each, text in zip(errors, texts, strict=True):
        index, field = each.get("record"), each.get("field")
        if type(index) is int and 0 <= index < count and index not in records:
            records[index] = RecordRejected(text, field=field if isinstance(field, str) else "", code="load")
    whole = None if records else RecordRejected("; ".join(texts), code="load")
    return Refused(records, whole)


def _columns(payload: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for name, value in payload.items():
        if _is_lines(value):
            names.extend(f"{name}/{inner}" for line in value for inner in _columns(line))
        else:
            names.append(_column(name))
    return list(dict.fromkeys(names))


def _column(name: str) -> str:
    return f"{name}/.id" if name.endswith(("_id", "_ids")) else name


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _rows(payload: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    """The head with its first line, then a row for each further one: rows with an empty head."""
    head = {_column(name): _cell(value) for name, value in payload.items() if not _is_lines(value)}
    lines = [
        {f"{name}/{_column(inner)}": _cell(cell) for inner, cell in line.items()}
        for name, value in payload.items()
        if _is_lines(value)
        for line in value
    ]
    first, *others = lines or [{}]
    return [[cells.get(name, "") for name in names] for cells in ({**head, **first}, *others)]


def _cell(value: Any) -> str:
    """Every cell is a text: a number in a column of lines is an error of the server."""
    if value is None or value is False:
        return "0" if value is False else ""
    if value is True:
        return "1"
    if isinstance(value, list):
        return ",".join(map(_cell, value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
