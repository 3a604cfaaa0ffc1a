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
    Entry(
        "shopify.gone",
        say("What was to be changed is gone in the shop."),
        say("Somebody deleted it meanwhile."),
        say("Look at the order in the shop, then retry."),
    ),
    Entry(
        "shopify.begun",
        say("A parcel was sent from two locations, and only one of the two fulfilments was made."),
        say("The shop makes one for each location, and refused or lost the second."),
        say("Nothing: the next try looks at what is there and makes the rest. Look at the order if it stays."),
    ),
    Entry(
        "shopify.not_left",
        say("The shop has less left to send than the parcel holds."),
        say("Somebody has sent, cancelled or refunded a part of it in the shop."),
        say("Compare the order's fulfilments in the shop with the parcels of the ERP, then retry."),
    ),
    Entry(
        "shopify.too_long",
        say("There is more of it than the shop tells in one answer."),
        say("The order has very many pieces to send, or the article lies in more than 20 locations."),
        say("Tell the shop by hand, and report it: we read such lists in one piece."),
    ),
    Entry(
        "shopify.not_cancelled",
        say("The shop has begun to cancel the order, and has not said that it is done."),
        say("The shop cancels in the background; a payment or an app may hold it up."),
        say("Nothing: it is looked at again by itself. Look at the order in the shop if it stays."),
    ),
    Entry(
        "shopify.no_location",
        say("The shop has no such location."),
        say("The location of the connection or of the article is misspelt there, was closed, or is of another shop."),
        say("Set a location that the shop has, by its name or id, then resume."),
    ),
    Entry(
        "shopify.fraction",
        say("The shop counts whole pieces."),
        say("The ERP has a fraction of the article in stock."),
        say("Sell it in a smaller unit, or freeze its stock in the channel."),
    ),
    Entry(
        "shopify.not_counted",
        say("The shop keeps no count for the article."),
        say("Its stock management is switched off there."),
        say("Switch it on (Track quantity), or freeze its stock in the channel."),
    ),
    Entry(
        "shopify.counted_together",
        say("Two articles share one count of the shop, and were to show two quantities."),
        say("Two articles of the ERP lead to the same variant and the same location."),
        say("Let one of them lead there: look at the look-up rows of both."),
    ),
    Entry(
        "shopify.backorders",
        say("Whether an article may be sold without stock cannot be set from here."),
        say("The shop keeps it with the variant (Continue selling when out of stock)."),
        say("Set `backorders: leave` in the channel, or change it in the shop."),
    ),
    Entry(
        "shopify.bulk",
        say("The file of a bulk operation cannot be read as orders."),
        say("It is shorter than the shop says, or has a row that belongs to no order."),
        say("Nothing: it is read again. Set `bulk_orders: 0` to read page by page if it stays, and report it."),
    ),
    Entry(
        "shopify.install",
        say("The address that Shopify sent the browser to was not accepted."),
        say("It is not signed with the app's secret, belongs to another try, is too old, or holds no code."),
        say("Begin `crossdock install shopify` anew and paste the whole address."),
    ),
)
