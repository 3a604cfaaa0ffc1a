"""Odoo: from a canonical order to the values of its sale and of its customer.

Amounts are sent net with the taxes of each line. Odoo computes tax itself and rounds in its own way, so the mapping
predicts its result (`arithmetic`) and adds what is left to the shop's grand total as a named rounding line.
"""

from __future__ import annotations

from typing import Final

from mappings.base import TargetMapping
from mappings.odoo.facets import FACETS
from mappings.odoo.offline import made_party, offline
from mappings.odoo.parties import party
from mappings.odoo.references import references, standing
from mappings.odoo.sale import sale, sale_key

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
