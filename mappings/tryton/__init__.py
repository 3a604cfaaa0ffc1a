"""Tryton: from a canonical order to the JSON of its sale and of its party.

Amounts are sent net with the taxes of each line. Tryton computes tax itself and rounds in its own way, so the mapping
predicts its result (`arithmetic`) and adds what is left to the shop's grand total as a named rounding line.
"""

from __future__ import annotations

from typing import Final

from mappings.base import TargetMapping
from mappings.tryton.facets import FACETS
from mappings.tryton.offline import made_party, offline
from mappings.tryton.parties import party
from mappings.tryton.references import references, standing
from mappings.tryton.sale import sale, sale_key

__all__ = ["FACETS", "MAPPING"]

MAPPING: Final = TargetMapping(
    version="1",
    sale_key=sale_key,
    references=references,
    party=party,
    sale=sale,
    offline=offline,
    made_party=made_party,
    standing=standing,
)
