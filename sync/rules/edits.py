"""How an edit is told: what people call the fields of a sale, and what of their texts is not the same everywhere."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from mappings.canonical.words import Phrase, say

#: Field of a sale (`after_import.owners`) -> what people call it.
FIELDS: Final[Mapping[str, Phrase]] = {
    "lines": say("Lines"),
    "invoice_address": say("Invoice address"),
    "shipment_address": say("Delivery address"),
    "note": say("Note"),
    "reference": say("Reference"),
    "total": say("Total"),
}
#: Between the lines of a sale.
SEPARATOR: Final = ", "


def apart(field: str, texts: Sequence[str]) -> list[str]:
    """The texts of one field; of the lines only those that are not the same in all of them."""
    if field != "lines":
        return list(texts)
    split = [Counter(text.split(SEPARATOR)) for text in texts]
    same = functools.reduce(operator.and_, split)
    return [SEPARATOR.join((lines - same).elements()) for lines in split]
