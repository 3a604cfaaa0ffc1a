"""What a mapping knows of a CRM's accounts: the roll-up of a customer's orders, in the vendor's own JSON.

Beside the mapping of the order itself (`mappings.base`), and as pure.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from mappings.base import JsonDict
from mappings.canonical.money import Money


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one customer has bought, over all channels; cancelled and refused orders do not count."""

    orders: int
    #: What they came to with tax, less what was given back.
    value: Money
    #: The newest order, and the day on which it was placed.
    last_number: str
    last_on: dt.date
    #: What is open of posted invoices; None where the ERP does not say.
    open: Money | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrmFacets:
    """What a CRM's mapping writes of its accounts."""

    #: The payload of `KeepsAccounts.update_accounts` for one account.
    history: Callable[[History], JsonDict]
