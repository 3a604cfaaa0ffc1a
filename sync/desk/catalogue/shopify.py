"""The catalogue's entries for the codes of Shopify."""

from __future__ import annotations

from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

SHOPIFY: Final = (
    Entry(
        "shopify.sixty_days",
        say("The shop shows only orders of the last 60 days."),
        say("The app has the scope read_orders without read_all_orders, so older orders are left out without a word."),
        say("Ask Shopify for read_all_orders and install the app again, or begin with younger orders."),
    ),
    Entry(
        "shopify.no_shopify",
        say("There is no shop of Shopify at this address."),
        say("The address is that of the storefront, or of another shop, or has a mistake in it."),
        say("Set `url` to https://NAME.myshopify.com, then resume."),
    ),
    Entry(
        "shopify.no_token",
        say("The shop gives the app no access token."),
        say("The client id or secret is wrong, or the app is not installed in this shop."),
        say("Correct `auth` of the connection, or install the app, then resume."),
    ),
    Entry(
        "shopify.no_graphql",
        say("The answer was no GraphQL."),
        say("Something between us and Shopify has put its own page in the answer's place."),
        say("Nothing: it is tried again, and what may have been written is looked up first."),
    ),
    Entry(
        "shopify.no_data",
        say("The shop answered a query without its data."),
        say("Shopify had trouble of its own."),
        say("Nothing: it is tried again, and what may have been written is looked up first."),
    ),
    Entry(
        "shopify.no_record",
        say("The shop answered a write with nothing."),
        say("Shopify had trouble of its own."),
        say("Nothing: what was written is looked up first. Look at the answer if it stays."),
    ),
    Entry(
        "shopify.no_scopes",
        say("The shop does not say what the app may do."),
        say("Something between us and Shopify has put its own page in the answer's place."),
        say("Nothing: it is tried again by itself."),
    ),
    Entry(
        "shopify.no_time",
        say("An order of the list has no time that can be read."),
        say("Shopify answered in a way that it does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "shopify.old_rows",
        say("The list holds orders older than asked for."),
        say("Shopify did not understand the search, as it does with a version of the API that is gone."),
        say("Let the doctor look at the version; update Crossdock."),
    ),
    Entry(
        "shopify.not_the_orders",
        say("The shop answered with other orders than were asked for."),
        say("Shopify answered in a way that it does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "shopify.not_a_list",
        say("The shop answered with something that is no list of records."),
        say("Shopify answered in a way that it does not document."),
        say("Nothing: it is tried again by itself. Report it if it stays."),
    ),
    Entry(
        "shopify.graphql",
        say("Shopify does not take the query."),
        say("The version of its API that we speak is gone, or a field of it."),
        say("Let the doctor look at the version; update Crossdock."),
    ),
)
