"""Finding an entry of the error catalogue: by id, by an error itself, by what an issue keeps of one."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from connectors.kit.errors import ConnectorError
from sync.desk.catalogue.classes import CLASSES, INTERNAL
from sync.desk.catalogue.codes import CODES, SHARED
from sync.desk.catalogue.entry import Entry
from sync.desk.causes import CAUSES, words_of
from sync.desk.phrases import Phrase, say
from sync.rules.similar import Similar

#: First part of the ids of what stops documents.
_CAUSE: Final = "cause"
#: Causes whose issues are about a code of the other system, where it has named one.
_CODED: Final = frozenset({"rejected", "connection", "stock_refused", "account_refused"})

#: First part of the ids -> what that chapter is about.
_CHAPTERS: Final[Mapping[str, Phrase]] = {
    "cause": say("What stops orders"),
    "system": say("What other systems answer"),
    "order": say("What is wrong with an order"),
    "work": say("What ends by itself"),
    "stock": say("Stock"),
    "database": say("The database"),
    "crossdock": say("Crossdock itself"),
    "connection": say("Codes of any connection"),
    "fxiaoke": say("Codes of Fxiaoke"),
    "odoo": say("Codes of Odoo"),
    "shopify": say("Codes of Shopify"),
    "vendure": say("Codes of Vendure"),
    "woocommerce": say("Codes of WooCommerce"),
    "zoho_crm": say("Codes of Zoho CRM"),
    "tryton": say("Codes of Tryton"),
}


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Id -> entry: causes of issues, classes of errors, codes; in this order."""
    causes = (Entry(f"{_CAUSE}.{name}", words.happened, None, words.remedy) for name, words in CAUSES.items())
    every = (*causes, *CLASSES.values(), INTERNAL, *CODES.values())
    return {entry.id: entry for entry in every}


def chapters() -> Iterator[tuple[Phrase, list[Entry]]]:
    """What each chapter is about, with its entries."""
    for part, found in itertools.groupby(entries().values(), key=lambda entry: entry.id.partition(".")[0]):
        yield _CHAPTERS[part], list(found)


def find(error_id: str) -> Entry:
    """The entry of an id. Raises LookupError, which names what is written alike."""
    found = entries().get(error_id) or entries().get(f"{_CAUSE}.{error_id}")
    if found is None:
        alike = ", ".join(each.target for each in Similar(list(entries())).to(error_id))
        raise LookupError(
            say("there is no error %(error_id)s; written alike: %(alike)s", error_id=repr(error_id), alike=alike)
            if alike
            else say("there is no error %(error_id)s; `crossdock explain` lists all", error_id=repr(error_id))
        )
    return found


def of_code(system: str, code: str) -> Entry | None:
    """What a code means that a connector of this system has named; None for one that only its vendor knows."""
    return CODES.get(f"{system}.{code}") or CODES.get(f"{SHARED}.{code}")


def of_error(error: Exception, system: str = "") -> Entry:
    """The narrowest entry that fits: by code, else by class."""
    if isinstance(error, ConnectorError) and error.code and (found := of_code(system, error.code)) is not None:
        return found
    named = (kind.__name__ for kind in type(error).__mro__)
    return next((CLASSES[name] for name in named if name in CLASSES), INTERNAL)


def of_issue(cause: str, code: str = "", system: str = "") -> Entry:
    """The entry of what stops documents: by the other system's code where there is one that we know."""
    if cause in _CODED and code and (found := of_code(system, code)) is not None:
        return found
    words = words_of(cause)
    return entries().get(f"{_CAUSE}.{cause}") or Entry(f"{_CAUSE}.{cause}", words.happened, None, words.remedy)
