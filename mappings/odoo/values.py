"""Values as Odoo writes them: floats for money, false for nothing, words for states."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from mappings.base import JsonDict
from mappings.canonical.errors import MappingError
from mappings.canonical.money import Money
from mappings.canonical.words import say

State = TypeVar("State")


def code_of(row: JsonDict) -> str:
    """The article's code; empty for a line without article."""
    return (row["product_id"] or {}).get("default_code") or ""


def decimal(value: Any) -> Decimal:
    """A float column, exactly as it was written."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def money(value: Any, currency: JsonDict) -> Money:
    """Without what a float adds behind the currency's last digit."""
    digits = Decimal(1).scaleb(-int(currency["decimal_places"]))
    return Money(decimal(value).quantize(digits), currency["name"])


def known(states: Mapping[str, State], value: str, path: str) -> State:
    """What a state means. Raises MappingError for one that nobody has met."""
    if value not in states:
        raise MappingError(
            path,
            say("Odoo calls the state %(value)s, which is none of %(known)s", value=value, known=", ".join(states)),
            subject=f"state:{value}",
            next_step=say("report it: a module of the ERP has added a state that nobody knows the meaning of"),
        )
    return states[value]


@contextlib.contextmanager
def reading(part: str) -> Iterator[None]:
    """Raises MappingError for what has not the documented shape."""
    try:
        yield
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
        reason = say("it has not the documented shape (%(kind)s: %(error)s)", kind=type(error).__name__, error=error)
        raise MappingError(part, reason) from None


def day(value: Any) -> dt.date | None:
    """Odoo says false where there is none."""
    return dt.date.fromisoformat(value) if value else None
