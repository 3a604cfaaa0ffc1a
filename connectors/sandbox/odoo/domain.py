"""Search domains: prefix notation, dotted paths, the operators that integrations use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.sandbox.odoo.database import Database, Json, OdooError
from connectors.sandbox.odoo.fields import ARCHIVED

_NEGATIVE: Final = {"!=": "=", "not in": "in", "not like": "like", "not ilike": "ilike"}


def search(db: Database, model: str, domain: Sequence[Any], context: Mapping[str, Any]) -> list[Json]:
    """Records that match, by id. Raises OdooError for what is no domain."""
    _check(db, model, domain)
    if model in ARCHIVED and context.get("active_test", True) and not _names(domain, "active"):
        domain = ["&", ["active", "=", True], *_and(domain)]
    return [record for record in db.all(model) if _matches(db, model, record, domain, context)]


def _check(db: Database, model: str, domain: Sequence[Any]) -> None:
    for leaf in domain:
        if isinstance(leaf, str):
            continue
        of = model
        for name in str(leaf[0]).split("."):
            if name not in db.models.get(of, {}):
                told = f"({leaf[0]!r}, {leaf[1]!r}, {leaf[2]!r})"
                raise OdooError("builtins.ValueError", f"Invalid field {of}.{name} in condition {told}", 500)
            of = db.models[of][name].model


def _names(domain: Sequence[Any], field: str) -> bool:
    return any(not isinstance(leaf, str) and leaf[0] == field for leaf in domain)


def _and(domain: Sequence[Any]) -> list[Any]:
    """One term: leaves that follow each other are all meant."""
    operators = sum(1 for leaf in domain if leaf in ("&", "|"))
    leaves = sum(1 for leaf in domain if not isinstance(leaf, str))
    if not leaves:
        return [["id", "!=", 0]]
    return [*["&"] * (leaves - 1 - operators), *domain]


def _matches(db: Database, model: str, record: Json, domain: Sequence[Any], context: Mapping[str, Any]) -> bool:
    terms = iter(_and(domain))

    def term() -> bool:
        leaf = next(terms)
        if leaf == "!":
            return not term()
        if leaf in ("&", "|"):
            # Both are read, whatever the first one says: the terms are one stream.
            first, second = term(), term()
            return (first and second) if leaf == "&" else (first or second)
        return _leaf(db, model, record, leaf, context)

    return term()


def _leaf(db: Database, model: str, record: Json, leaf: Sequence[Any], context: Mapping[str, Any]) -> bool:
    path, operator, wanted = leaf
    if operator in _NEGATIVE:
        return not _leaf(db, model, record, [path, _NEGATIVE[operator], wanted], context)
    values = list(_values(db, model, record, str(path).split("."), context))
    return any(_compare(value, operator, wanted) for value in values or [None])


def _values(db: Database, model: str, record: Json, path: Sequence[str], context: Mapping[str, Any]) -> Iterator[Any]:
    field = db.models[model][path[0]]
    value = db.value(model, record, path[0], context)
    if not field.model:
        yield value
        return
    for number in (value or []) if isinstance(value, list) else [value]:
        if len(path) == 1:
            yield number
        elif number in db.tables[field.model]:
            yield from _values(db, field.model, db.tables[field.model][number], path[1:], context)


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    text, part = str(value or ""), str(wanted)
    equal: dict[str, Callable[[], bool]] = {
        "=": lambda: _same(value, wanted),
        "in": lambda: any(_same(value, each) for each in wanted),
        "ilike": lambda: part.lower() in text.lower(),
        "=ilike": lambda: part.lower() == text.lower(),
        "like": lambda: part in text,
    }
    if operator in equal:
        return equal[operator]()
    if value is None or value is False:
        return False
    # A time is compared with its microseconds, and is only shown without them.
    left: Any
    right: Any
    left, right = (value, wanted) if isinstance(value, int | float) else (text, part)
    return bool({">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator])


def _same(value: Any, wanted: Any) -> bool:
    return not value if wanted is False else bool(value == wanted)
