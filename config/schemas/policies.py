"""`policies`, shared or a channel's own."""

from __future__ import annotations

from config import kinds
from config.fields import Free, MapOf, Scalar
from config.model import VERIFY_RULES, DocumentState, MatchPolicy, Mode, StatusAction
from config.schemas.section import Section


class PoliciesSection(Section):
    """What a channel does with its orders."""

    start_at = Scalar(
        kinds.MOMENT,
        "Orders placed before this are not imported. `now` means the first start of the channel.",
        example="2026-01-31T00:00:00+01:00",
        default="now",
    )
    status = MapOf(
        kinds.STATUS_KEY,
        Scalar(kinds.member(StatusAction), "What to do."),
        "Status of an order that the ERP does not have yet -> what to do with it; see below.",
        example="{on_hold: import}",
        default="see below",
    )
    rules = MapOf(
        kinds.word(VERIFY_RULES),
        Scalar(kinds.member(Mode), "What a finding does."),
        "Verify rule -> what it does when it finds something: `hold` the order, `warn`, or `off`; see below.",
        example="{price: hold}",
        default="see below",
    )
    totals_threshold = Scalar(
        kinds.whole(0, 100),
        "How much an order's sums may differ from its total, in units of the last decimal that the shop writes; "
        "the difference is carried as rounding.",
        example="5",
    )
    value_limits = MapOf(
        kinds.CURRENCY,
        Scalar(kinds.decimal(0, 10**12), "An amount."),
        "Currency -> grand total above which a person must approve the order.",
        example="{EUR: 5000}",
        default="no limit",
    )
    duplicate_window_min = Scalar(
        kinds.whole(0, 10_080), "Minutes within which an equal order of the same customer counts as a duplicate."
    )
    price_tolerance = Scalar(
        kinds.decimal(0, 1000), "Percent by which a line's price may differ from the ERP's list price.", example="2.5"
    )
    home_country = Scalar(
        kinds.COUNTRY,
        "Country whose taxes the ERP's articles carry; the `tax` rule does not hold orders to other countries.",
        example="DE",
        default="every order is held against the articles' taxes",
    )
    match = Scalar(
        kinds.member(MatchPolicy),
        "When an e-mail address is enough to take a customer for one of the ERP's. `strict`: not where the order names "
        "a company or a VAT id and the party with this address is called otherwise, which a person decides then. "
        "`trust_email`: always.",
        example="trust_email",
    )
    document_state = Scalar(kinds.member(DocumentState), "How far a sale is brought in the ERP.", example="draft")
    target = Free(
        "What the mapping to the ERP needs to know; the ERP's page of the documentation lists the keys.",
        example="{warehouse: WH1}",
    )
