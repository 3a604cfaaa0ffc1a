"""The catalogue's entries for the codes of Vendure."""

from __future__ import annotations

from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

VENDURE: Final = (
    Entry(
        "vendure.no_vendure",
        say("There is no shop of Vendure at this address."),
        say("The address is that of the storefront, or the shop's admin API has another path."),
        say("Set `url` to the shop's server, and `api_path` where it is not `admin-api`, then resume."),
    ),
    Entry(
        "vendure.no_token",
        say("The shop gives no token after the login."),
        say("Its `authOptions.tokenMethod` has no `bearer`, or a proxy takes the header vendure-auth-token away."),
        say("Have the shop's developers add it, or give an API key instead, then resume."),
    ),
    Entry(
        "vendure.no_graphql",
        say("The answer was no GraphQL."),
        say("Something between us and the shop has put its own page in the answer's place."),
        say("Nothing: it is tried again, and what may have been written is looked up first."),
    ),
    Entry(
        "vendure.no_data",
        say("The shop answered a query without its data."),
        say("The shop had trouble of its own."),
        say("Nothing: it is tried again, and what may have been written is looked up first."),
    ),
    Entry(
        "vendure.no_record",
        say("The shop answered a write with nothing."),
        say("The shop had trouble of its own, or a plugin changes what it answers."),
        say("Nothing: what was written is looked up first. Look at the answer if it stays."),
    ),
    Entry(
        "vendure.no_precision",
        say("The shop does not say how many decimals its money has."),
        say("It is older than Vendure 2.2, or the user may not read its settings."),
        say("Update the shop, or give the role the permission ReadSettings, then resume."),
    ),
    Entry(
        "vendure.no_time",
        say("An order of the list has no time that can be read."),
        say("The shop answered in a way that Vendure does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "vendure.not_the_orders",
        say("The shop answered with other orders than were asked for."),
        say("The shop answered in a way that Vendure does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "vendure.not_the_articles",
        say("The answer to a stock update names other articles than were sent."),
        say("A plugin changes what the shop answers."),
        say("Nothing: the next stock run looks again. Report it if it stays."),
    ),
    Entry(
        "vendure.not_a_list",
        say("The shop answered with something that is no list of records."),
        say("The shop answered in a way that Vendure does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "vendure.checkpoint",
        say("The place from which to read on is none of this connector."),
        say("The connection was of another system before, or the database comes from elsewhere."),
        say("Rewind the connection to a date; nothing is lost, and nothing is made twice."),
    ),
    Entry(
        "vendure.gone",
        say("The order or the article is no longer in the shop."),
        say("Somebody deleted it, or it is not in the channel that the connection reads."),
        say("Look for it in the shop; set `channel_token` where it is in another channel."),
    ),
    Entry(
        "vendure.payout",
        say("A refund was to be written down without sending money."),
        say("A Vendure shop has the payment's handler send the money of every refund."),
        say("Set `returns: payout` of the channel, or give the money back by hand in the shop."),
    ),
    Entry(
        "vendure.refund_failed",
        say("The payment's gateway has refused the refund."),
        say("The charge is too old, disputed, or was given back already."),
        say("Look at the payment in the shop and at the gateway; give the money back by hand."),
    ),
    Entry(
        "vendure.stock_location",
        say("Nobody can say at which of the shop's stock locations stock is to be set."),
        say("The shop has several, or none of the name in `stock_location`."),
        say("Name one in `stock_location` of the connection, then resume."),
    ),
    Entry(
        "vendure.fraction",
        say("A quantity that is no whole number was to be shown."),
        say("A shop of Vendure counts whole pieces."),
        say("Round in the ERP, or sell the article in whole units."),
    ),
    Entry(
        "vendure.not_counted",
        say("The shop keeps no count of the article."),
        say("Its `trackInventory` is off."),
        say("Switch it on in the shop, or leave the article out of the stock policy."),
    ),
    Entry(
        "vendure.graphql",
        say("The shop failed at a query without saying why."),
        say("An error of the shop itself, its database or a plugin; its log says more."),
        say("Look at the shop's log. What may have been written is looked up first."),
    ),
)
