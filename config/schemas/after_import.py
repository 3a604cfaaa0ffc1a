"""`after_import` of a channel."""

from __future__ import annotations

from config import kinds
from config.fields import ListOf, MapOf, Scalar
from config.model import DEFAULT_OWNERS, SALE_STATES, Carry, Depth, InvoiceNews, Owner, Returns, ShipmentNews
from config.schemas.section import Section


class AfterImportSection(Section):
    """What is carried over once the ERP has an order, in both directions."""

    edits = Scalar(
        kinds.member(Carry),
        "An order that was edited in the shop: the sale is changed as far as the ERP allows it (`apply`), or a person "
        "does it (`hold`).",
        example="hold",
    )
    cancellations = Scalar(
        kinds.member(Carry), "An order that was cancelled in the shop: the same for its sale.", example="hold"
    )
    owners = MapOf(
        kinds.word(tuple(DEFAULT_OWNERS)),
        Scalar(kinds.member(Owner), "Whose word counts."),
        "Field of a sale -> whose word counts after the import: `shop`, `erp` (the shop's is written only while nobody "
        "changed it in the ERP), `empty` (only where the ERP has nothing), `never`; see below.",
        example="{shipment_address: shop}",
        default="see below",
    )
    refunds = Scalar(
        kinds.member(Depth),
        "A refund in the shop becomes a credit note in the ERP: not at all (`none`), as a `draft`, or `posted`.",
        example="posted",
    )
    refunds_restock = Scalar(
        kinds.SWITCH,
        "Whether refunded pieces come back into the ERP's stock where the shop itself does not say it (WooCommerce "
        "counts for each line of the order, which leaves it open for some of several refunds).",
        example="off",
        default="`on`",
    )
    returns = Scalar(
        kinds.member(Returns),
        "A return, or another credit, that the ERP's people made and that no refund of the shop explains: nothing "
        "comes of it (`none`), a person is told (`tell`), the refund is booked in the shop while the money moves by "
        "hand (`refund`), or the shop's payment gateway sends the money too (`payout`). Only where `refunds` is not "
        "`none`.",
        example="refund",
    )
    payments = Scalar(
        kinds.member(Depth),
        "A payment in the shop is registered on the invoice in the ERP, the same way; `draft` leaves it for people to "
        "post, where the ERP can.",
        example="posted",
    )
    fees = Scalar(
        kinds.member(Depth),
        "What a gateway kept of a payment, as far as the shop says, is booked in the ERP as a document of its own, on "
        "the account that `policies.target.fee_account` names, also where `payments` is `none`; `draft` leaves it for "
        "people to post.",
        example="posted",
    )
    post_invoices = Scalar(
        kinds.SWITCH,
        "Draft invoices are posted as soon as their goods have left; `off` leaves that to the ERP's people.",
        example="on",
        default="`off`",
    )
    shipments = Scalar(
        kinds.member(ShipmentNews),
        "How the shop hears of a shipment: `auto` makes a fulfilment where the shop takes them, else a note; `note` "
        "always makes a note; `off` nothing.",
        example="note",
    )
    notify = Scalar(
        kinds.SWITCH, "The shop mails its customer about each shipment, once.", example="on", default="`off`"
    )
    invoices = Scalar(
        kinds.member(InvoiceNews),
        "What the shop is shown of invoices and credit notes: `off`, the `number`, or a signed `link` to the file too.",
        example="link",
    )
    sale_number = Scalar(
        kinds.SWITCH,
        "The shop's order shows the number of its sale in the ERP, where the shop has a place for it.",
        example="on",
        default="`off`",
    )
    link_days = Scalar(
        kinds.whole(1, 3650), "How long such a link works, in days from the date of the invoice.", example="30"
    )
    resend = Scalar(
        kinds.SWITCH,
        "Whether a mail or note to the customer is sent again when nobody knows whether it was sent and the shop does "
        "not show it; otherwise a person decides.",
        example="on",
        default="`off`",
    )
    state_back = MapOf(
        kinds.word(SALE_STATES),
        Scalar(kinds.text(64), "A state of the shop."),
        "How the sale stands in the ERP -> the state that the shop's order gets, in the words of the shop's system; "
        "`leave` leaves the order as it is; see below.",
        example="{shipped: completed, cancelled: cancelled}",
        default="see below",
    )
    own_states = ListOf(
        Scalar(kinds.text(64), "A state."),
        "States that people have added to those of the shop's system and that `state_back` names.",
        example="[handed-over]",
    )
