"""What a CRM is told of a channel's customers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum


class Rung(enum.StrEnum):
    """By what a customer's account is known in the CRM, beside the CRM's own id of it."""

    VAT_ID = "vat_id"
    EMAIL = "email"
    #: Never enough by itself: a person says whether it is the one.
    NAME = "name"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrmPolicy:
    """What a CRM is told of a channel's customers."""

    #: The connection that has their accounts; empty where nobody is told.
    connection: str = ""
    #: The surest first, whatever the order here.
    match: tuple[Rung, ...] = (Rung.VAT_ID, Rung.EMAIL)
    #: A customer whom the CRM does not know gets an account.
    create: bool = False
    #: In which the figures are told; empty: that of the customer's newest order.
    currency: str = ""
    #: How long after an order its account is told; what comes meanwhile is told with it.
    gather_s: float = 60.0
    #: From this day on, the shop's, orders have entries in the history at the account; None: nobody writes any.
    history_from: dt.date | None = None
