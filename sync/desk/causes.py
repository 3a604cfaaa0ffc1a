"""The causes in plain words: what each means, what to do, and which of them a look-up row fixes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from sync.desk.phrases import Phrase, say


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """One cause, for people."""

    label: Phrase
    happened: Phrase
    remedy: Phrase


CAUSES: Final[Mapping[str, Words]] = {
    "unknown_sku": Words(
        say("Unknown article"),
        say("A line has no SKU, or the ERP has no such article."),
        say("Create the article in the ERP and retry, or say on its page which article is meant."),
    ),
    "unmapped": Words(
        say("Value without translation"),
        say("A value of the shop means nothing in the ERP yet."),
        say("Say on its page what it means, or create it in the ERP and retry."),
    ),
    "totals_mismatch": Words(
        say("Totals do not add up"),
        say("The order's parts do not add up to what the shop charged, or the ERP would make another total of it."),
        say("Compare the lines with the shop. Correct the order there, or raise `totals_threshold` if it is rounding."),
    ),
    "mapping": Words(
        say("Field cannot be read"),
        say("A field of the order is not what it must be."),
        say("Correct it in the shop. If the shop is right, report it: the mapping must learn it."),
    ),
    "no_profile": Words(
        say("No mapping profile yet"),
        say("The source's orders mean nothing by themselves, and nobody has said yet what they mean."),
        say("Write a mapping profile beside one of them in the workbench and publish it. All of them go on then."),
    ),
    "duplicate_order": Words(
        say("Perhaps ordered twice"),
        say("The same customer ordered the same for the same total within some minutes."),
        say("Ask the customer. Approve the order if both are meant, else cancel one in the shop."),
    ),
    "unit": Words(
        say("Quantity has too many decimals"),
        say("The quantity has more decimals than the article's unit takes in the ERP."),
        say("Change the unit in the ERP, or the quantity in the shop, then retry."),
    ),
    "price": Words(
        say("Price differs"),
        say("The price is further from the ERP's list price than the tolerance allows."),
        say("Align the two price lists and retry, or approve the order."),
    ),
    "tax": Words(
        say("Tax differs"),
        say("A line was taxed at a rate that the ERP does not take for this article."),
        say("Correct the tax class on one side and retry, or approve the order."),
    ),
    "unknown_tax": Words(
        say("Tax not named"),
        say("The shop does not say which tax was charged."),
        say("Name the tax in the shop, then retry."),
    ),
    "ambiguous_tax": Words(
        say("Several taxes match"),
        say("The ERP has several taxes of this rate."),
        say("Say on its page which one is meant."),
    ),
    "address": Words(
        say("Address incomplete"),
        say("There is no name, street, town or country to write an invoice to."),
        say("Complete the address in the shop, or approve the order as it is."),
    ),
    "ambiguous_party": Words(
        say("Several customers match"),
        say("Several customers of the ERP match, or the one with this e-mail address is called otherwise."),
        say("Say on the page of the match which one it is, or keep the customer apart. All its orders go on then."),
    ),
    "test_order": Words(
        say("Test order"),
        say("The payment was a gateway's test."),
        say("Reject the order, or approve it if the ERP should have it."),
    ),
    "value_limit": Words(
        say("Above the value limit"),
        say("The order is worth more than the channel lets through without a person's word."),
        say("Approve or reject the order."),
    ),
    "rejected": Words(
        say("Refused by the ERP"),
        say("The ERP refuses the document, in the words of the title."),
        say("Correct what the ERP names, then retry."),
    ),
    "under_approval": Words(
        say("Under approval over there"),
        say("The other system refuses changes of the order while its people approve it, or because they locked it."),
        say("Have it approved, refused or unlocked there. It goes on by itself when it has changed there."),
    ),
    "changed_after_import": Words(
        say("Changed after import"),
        say("The order was changed in the shop after it went to the ERP."),
        say("Make the same change in the ERP, then approve the order."),
    ),
    "correction_outdated": Words(
        say("Correction and shop disagree"),
        say("Somebody has corrected the order here, and the shop has changed the same field since."),
        say("Correct it anew or take the correction back, on the order's page. Approve it to have what the shop says."),
    ),
    "cancelled_after_import": Words(
        say("Cancelled after import"),
        say("The order was cancelled in the shop after it went to the ERP."),
        say("Cancel the sale in the ERP, then approve the order."),
    ),
    "gone_in_shop": Words(
        say("Deleted in the shop"),
        say("The order was deleted in the shop after it went to the ERP."),
        say("Cancel the sale in the ERP, then approve the order."),
    ),
    "gone_in_erp": Words(
        say("Gone in the ERP"),
        say("The sale was cancelled or deleted in the ERP; the shop still has the order."),
        say("Cancel the order in the shop too, or retry it with a new sale."),
    ),
    "target_amount": Words(
        say("Another total in the ERP"),
        say("The ERP shows another total than the shop charged."),
        say("Correct the sale in the ERP, then retry; or approve what it shows. It is not made again."),
    ),
    "doubled": Words(
        say("Several sales in the ERP"),
        say("The ERP has more than one sale of this order, none of them a draft."),
        say("Cancel all but one in the ERP, then retry."),
    ),
    "unknown_outcome": Words(
        say("Perhaps sent already"),
        say("The answer to a mail, a note or a refund for the customer was lost, and the shop does not show it."),
        say("Look in the shop. If it was sent approve the order, else have it sent again."),
    ),
    "refund_exceeds_order": Words(
        say("More refunded than charged"),
        say("The refunds of the order are more than the shop charged for it."),
        say("Compare them in the shop. Approve the order if that is right."),
    ),
    "refund_amount": Words(
        say("Credit of another amount"),
        say("The ERP's document for a refund gives back another amount than the shop did."),
        say("Correct the document in the ERP, then retry. It is not made again."),
    ),
    "refund_gone_in_erp": Words(
        say("Credit cancelled in the ERP"),
        say("The ERP's document for a refund was cancelled there."),
        say("Make the credit note in the ERP by hand, then approve the order."),
    ),
    "refunded_unsent": Words(
        say("Refunded, and about to be sent"),
        say("Goods were refunded before they left, and the ERP still plans to send them."),
        say("In the ERP, take them out of what is sent and cancel their return. Approve the order to send them still."),
    ),
    "returned_in_erp": Words(
        say("Given back in the ERP alone"),
        say("The ERP's people made a return or a credit, and the shop has given back nothing for it."),
        say("Refund the same amount in the shop. Approve the order if the customer got the money in another way."),
    ),
    "not_payable": Words(
        say("Payment does not fit the invoices"),
        say("No posted invoice of the sale is open for what was paid in the shop."),
        say("Post the invoice in the ERP, or see whether somebody has booked the payment there already, then retry."),
    ),
    "fee_not_booked": Words(
        say("Gateway's fee not booked"),
        say("The ERP does not take what a gateway kept of a payment; the order says why."),
        say("Put that right and retry. Or book the fee by hand, then approve: it is left out."),
    ),
    "invoice_number": Words(
        say("Invoice number twice"),
        say("Two documents of the ERP bear the same number."),
        say("Tell the bookkeepers. Approve the order when it is settled which of them is right."),
    ),
    "invoice_changed": Words(
        say("Invoice changed after it was shown"),
        say("A posted invoice says something else than when its file was kept and shown in the shop."),
        say("Ask the bookkeepers why. Approve the order to show the new file."),
    ),
    "connection": Words(
        say("Connection does not work"),
        say("Credentials, rights or the address do not work. The connection is paused and its orders wait."),
        say("Mend it, then resume the connection."),
    ),
    "misconfigured": Words(
        say("Connection is set up wrongly"),
        say("The configuration of the connection says what its system does not take. Nothing comes or goes over it."),
        say("Correct the configuration and restart. It ends by itself then."),
    ),
    "unreadable_delivery": Words(
        say("Unreadable webhook"),
        say(
            "A signed webhook cannot be read. It is kept; where the system can be asked, its orders are pulled instead."
        ),
        say("Look for a proxy or plugin that changes what is sent. What only came here is read again when you say so."),
    ),
    "kills_the_worker": Words(
        say("Ends the worker"),
        say("The worker died three times while it worked on this order alone."),
        say("Report it with the worker's log. Retry when it is mended, or reject the order."),
    ),
    "oversold": Words(
        say("More sold than there is"),
        say("Orders take more of an article than the ERP has, over all of its channels."),
        say("Buy or make what is missing, or cancel one of the orders. It ends by itself when there is enough."),
    ),
    "missing_in_shop": Words(
        say("Article not in the shop"),
        say("The ERP has stock of articles that the shop does not have under their SKU."),
        say("Give the shop's article this SKU, or say in the look-up table what the shop calls it."),
    ),
    "missing_in_erp": Words(
        say("Stock not known in the ERP"),
        say("The shop sells articles of which the ERP has no stock."),
        say("Create the article as goods in the ERP, or say in the look-up table which one is meant, then retry."),
    ),
    "twice_in_shop": Words(
        say("SKU twice in the shop"),
        say("Several articles of the shop have one SKU, so nobody knows which is meant."),
        say("Give each article a SKU of its own in the shop, then retry."),
    ),
    "counted_together": Words(
        say("Articles with one count"),
        say("The shop has one count for several articles, and the ERP says something else of each."),
        say("Let the shop count each variation for itself, or freeze all but one in the channel's configuration."),
    ),
    "stock_refused": Words(
        say("Quantity refused by the shop"),
        say("The shop refuses to show the quantity, in the words of the title."),
        say("Correct the article in the shop, then retry."),
    ),
    "short_lines": Words(
        say("Not given back"),
        say("Pieces of the order cannot be sent, and the shop did not give them back as the channel's policy asks."),
        say("Give them back in the shop by hand, as a refund of their lines; or approve to have them sent later."),
    ),
    "short_stock": Words(
        say("Not all of it is there"),
        say("None of the warehouses that may send the order has all of it."),
        say("It goes on by itself when one of them has. Approve the order to have it back-ordered now."),
    ),
    "unknown_warehouse": Words(
        say("Warehouse not in the ERP"),
        say("The configuration names a warehouse that the ERP does not have."),
        say("Correct the warehouses of the channel in the configuration, then retry."),
    ),
    "ambiguous_account": Words(
        say("Several accounts match"),
        say("A customer of the shops might be one of several accounts of the CRM, or is known there by name alone."),
        say("Say on the page of matches which account it is, or that it is none of them. It goes on by itself then."),
    ),
    "account_refused": Words(
        say("Refused by the CRM"),
        say("The CRM refuses what an account is to show, in the words of the title."),
        say("Correct the account or its fields in the CRM. It is tried again in the night, or when you retry."),
    ),
    "account_gone": Words(
        say("Account not to be written"),
        say("The CRM finds an account and says of it, when it is written to, that it is gone."),
        say("Look at the rights of the connection's user in the CRM, then retry."),
    ),
    "canary": Words(
        say("First orders wait for a person"),
        say("The channel went live or its configuration changed. Its first orders wait, and those behind them."),
        say("See what would be sent for one of them, compare it with the shop and approve it. The last one frees all."),
    ),
    "internal": Words(
        say("Failure inside Crossdock"),
        say("Crossdock itself failed; this is a defect."),
        say("Report the log entry of the order, then retry."),
    ),
}
_OTHER: Final = Words(
    say("Stopped"),
    say("The order cannot go on as it is."),
    say("Look at the reason that each order gives."),
)
#: Causes that a row of a look-up table can fix.
LOOKUP_CAUSES: Final = frozenset({"unmapped", "unknown_sku", "ambiguous_tax"})
#: What is resolved otherwise: a customer by the match ladder, a line without SKU by nothing.
_NO_TABLES: Final = frozenset({"", "party", "line"})
#: Longer subjects are cut short in the issue, so the value itself is not known from it.
_MAX_SUBJECT: Final = 255


def words_of(cause: str) -> Words:
    """The plain words of a cause; general ones for a cause that a newer mapping brought along."""
    return CAUSES.get(cause, _OTHER)


def title_of(cause: str, title: str) -> str:
    """What an issue is called: its title, or the cause's label where the title says no more than the cause's id."""
    return words_of(cause).label if title == cause.replace("_", " ") else title


def lookup_of(cause: str, subject: str) -> tuple[str, str] | None:
    """(table, value) of the look-up row that would fix an issue; None where no row can."""
    table, separator, value = subject.partition(":")
    fits = cause in LOOKUP_CAUSES and separator and value and len(subject) < _MAX_SUBJECT
    if not fits or table in _NO_TABLES or (cause == "unknown_sku" and table != "sku"):
        return None
    return table, value
