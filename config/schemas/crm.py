"""`crm` of a channel."""

from __future__ import annotations

from config import kinds
from config.fields import ListOf, Scalar
from config.model import Rung
from config.schemas.section import Section


class CrmSection(Section):
    """Whom a channel's customers are told to."""

    connection = Scalar(
        kinds.name_of("connections"),
        "Connection of the CRM that has the customers' accounts; of a channel whose orders come from a CRM it may be "
        "the same one. Several channels may share it: their orders then count together.",
        example="crm",
        required=True,
    )
    match = ListOf(
        Scalar(kinds.member(Rung), "A rung."),
        "By what an account is found, the surest first whatever is written here; an order of the CRM itself names its "
        "account. An account that only has the customer's `name` is never taken without a person's word.",
        example="[vat_id, email, name]",
    )
    create = Scalar(
        kinds.SWITCH,
        "Whether a customer whom the CRM does not know gets an account there; the CRM's connector must make them.",
        example="on",
        default="`off`",
    )
    currency = Scalar(
        kinds.CURRENCY,
        "The currency in which the figures are told: orders in others are counted, and their worth is not. Channels "
        "that share a CRM say the same.",
        example="EUR",
        default="that of the customer's newest order",
    )
    gather_s = Scalar(
        kinds.duration("0", "1d"),
        "How long after an order its customer's account is told; what comes meanwhile is told with it.",
        example="5m",
    )
    history_from = Scalar(
        kinds.DAY,
        "The day from which on orders have entries at their customer's account: the order, each of its parcels, each "
        "posted invoice and credit note. Without one there are none. Not for a channel whose orders are the CRM's own.",
        example="2026-01-01",
        default="no entries",
    )
