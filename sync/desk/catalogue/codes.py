"""The codes of refusals and failures: those of our connectors' kit, and what each connector adds of its vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.catalogue.fxiaoke import FXIAOKE
from sync.desk.catalogue.odoo import ODOO
from sync.desk.catalogue.shopify import SHOPIFY
from sync.desk.catalogue.vendure import VENDURE
from sync.desk.catalogue.zoho_crm import ZOHO_CRM
from sync.desk.phrases import say

#: Whatever the system is: the way there, and the configuration. First part of the id.
SHARED: Final = "connection"

_SHARED: Final = (
    Entry(
        "connection.dns",
        say("The host's name has no address."),
        say("The name is misspelt, has just been changed, or the name server is away."),
        say("Check the address of the connection; it is tried again by itself."),
    ),
    Entry(
        "connection.connect",
        say("No connection to the host came about."),
        say("Nothing listens there, a firewall drops it, or it is restarting. Nothing was sent."),
        say("Check that the system runs and can be reached from here; it is tried again by itself."),
    ),
    Entry(
        "connection.certificate",
        say("The host's certificate is not valid for its name."),
        say("It has expired, is self-signed, or somebody else answers."),
        say("Renew the certificate, or name its authority in the connection's `ca_file`; then resume."),
    ),
    Entry(
        "connection.redirect",
        say("The system sends its callers on to another address."),
        say("The address in the configuration is an old one, or misses `https` or `www`."),
        say("Set the address that it is sent on to, then resume. We do not follow: secrets would go to another host."),
    ),
    Entry(
        "connection.forbidden_address",
        say("The host's name leads to an address inside of your own network."),
        say("Such addresses are refused unless you name them: else a changed name could reach what is nobody's."),
        say("If it is meant, put the host into `allow_hosts` of the connection; then resume."),
    ),
    Entry(
        "connection.checkpoint",
        say("The place from which to read on is none of this connector."),
        say("The connection was of another system before, or the database comes from elsewhere."),
        say("Rewind the connection to a date; nothing is lost, and nothing is made twice."),
    ),
    Entry(
        "connection.no_turn",
        say("Another process was asking for an access token, and had none yet."),
        say("The system that gives them is slow or away; only one process asks at a time."),
        say("Nothing: it is tried again by itself."),
    ),
    Entry(
        "connection.not_custom",
        say("A field or a product that is lacking cannot be made from outside."),
        say("It is the system's own and comes with a module, or it is of a kind that the API does not make."),
        say("Make it in the system, or activate the module that brings it; then run the doctor again."),
    ),
    Entry(
        "connection.doubled",
        say("Several accounts of the CRM carry the same key of Crossdock."),
        say("The field for the key takes the same value twice, or somebody copied an account with it."),
        say("Merge the accounts in the CRM, or empty the field in all but one; make its values unique, then retry."),
    ),
    Entry(
        "connection.throttle",
        say("The connection is used as fast as its configuration allows."),
        say("The connection's `rate_per_s`, which all workers share, is reached."),
        say("Nothing: it goes on in a moment. Raise `rate_per_s` where the other system bears more."),
    ),
    Entry(
        "connection.option",
        say("The connection's configuration does not fit its system."),
        say("An option, the login or the way to sign in is missing or is not what the connector needs."),
        say("Correct the connection in the configuration as the text says, restart, and resume."),
    ),
    Entry(
        "connection.too_large",
        say("The answer was larger than we take."),
        say("A plugin or an error page fills it, or one document is very large."),
        say("Look at what the system answers; leave out what makes it large."),
    ),
    Entry(
        "connection.not_json",
        say("The answer was no JSON."),
        say("A page for people came instead: of a cache, a firewall, a maintenance mode, or a broken plugin."),
        say("Look at the answer of the order's last try, and at what stands between us and the system."),
    ),
    Entry(
        "connection.broken_off",
        say("The connection broke off before the whole answer was there."),
        say("The time of the call was over, the system restarted, or something on the way closed the connection."),
        say("Nothing: what may have been written is looked up first. Look at the system if it stays."),
    ),
)

_WOOCOMMERCE: Final = (
    Entry(
        "woocommerce.woocommerce_rest_cannot_view",
        say("The shop does not let the key read orders."),
        say("The key's user lacks the role, or the key goes over plain HTTP, where WooCommerce ignores it."),
        say("Give the key's user the role Shop manager; over plain HTTP use the auth method oauth1. Then resume."),
    ),
    Entry(
        "woocommerce.woocommerce_rest_authentication_error",
        say("The shop does not know the key."),
        say("The key or its secret is wrong, was revoked, or the host strips the Authorization header."),
        say("Check the consumer key, its secret, and that the key may read and write. Then resume."),
    ),
    Entry(
        "woocommerce.woocommerce_rest_cannot_create",
        say("The shop does not let the key create anything."),
        say("The key may only read, or its user lacks the role."),
        say("Give the key Read/Write permission and its user the role Shop manager. Then resume."),
    ),
    Entry(
        "woocommerce.woocommerce_rest_cannot_edit",
        say("The shop does not let the key change anything."),
        say("The key may only read, or its user lacks the role."),
        say("Give the key Read/Write permission and its user the role Shop manager. Then resume."),
    ),
    Entry(
        "woocommerce.rest_no_route",
        say("The shop does not serve this address."),
        say("WooCommerce is not active there, the address does not lead to the shop, or a feature is switched off."),
        say("Activate WooCommerce, correct the address, or switch on the feature that the text names. Then resume."),
    ),
    Entry(
        "woocommerce.rest_forbidden",
        say("The REST API is closed."),
        say("A security plugin or the host closes it for callers like us."),
        say("Open it for this key in the plugin or at the host. Then resume."),
    ),
    Entry(
        "woocommerce.no_rest_api",
        say("There is no WooCommerce at this address."),
        say("The address is another site's, or permalinks are set to Plain."),
        say("Correct the address, or choose other permalinks (Settings > Permalinks). Then resume."),
    ),
    Entry(
        "woocommerce.maintenance",
        say("The shop is in maintenance."),
        say("WordPress updates itself or its plugins."),
        say("Wait: it is tried again by itself."),
    ),
    Entry(
        "woocommerce.woocommerce_rest_shop_order_invalid_id",
        say("The order is gone in the shop."),
        say("Somebody deleted it for good."),
        say("Cancel its sale in the ERP if that is meant, then approve or reject the order."),
    ),
    Entry(
        "woocommerce.rest_invalid_param",
        say("The shop does not take a parameter."),
        say("Its version is older than the feature, or a plugin has changed the field."),
        say("Update WooCommerce, or switch off the plugin that changes the field that is named; then retry."),
    ),
    Entry(
        "woocommerce.rest_missing_callback_param",
        say("The shop misses a parameter."),
        say("A plugin demands a field of its own."),
        say("Look which plugin adds the field that is named, and switch its demand off for the API; then retry."),
    ),
    Entry(
        "woocommerce.rest_invalid_json",
        say("The shop could not read what was sent."),
        say("Something between us and the shop changes the body."),
        say("Look for a firewall or proxy that rewrites requests; then retry."),
    ),
    Entry(
        "woocommerce.woocommerce_rest_cannot_create_order_refund",
        say("The shop refuses the refund."),
        say("It is more than is left of the order, or the payment's gateway cannot refund by itself."),
        say("Refund in the shop by hand, then look at the order again: what stands there counts."),
    ),
    Entry(
        "woocommerce.gone",
        say("What was to be changed is gone in the shop."),
        say("Somebody deleted it meanwhile."),
        say("Look at the order in the shop, then retry."),
    ),
    Entry(
        "woocommerce.no_record",
        say("The shop answered a write with something that is no record."),
        say("A plugin, a cache or a firewall has put its own page in the answer's place."),
        say("Nothing: what was written is looked up first. Look at the answer if it stays."),
    ),
    Entry(
        "woocommerce.not_the_order",
        say("The shop answered with another order than was asked for."),
        say("A cache or a plugin mixes answers up."),
        say("Exclude the REST API from caching at the host, then retry."),
    ),
    Entry(
        "woocommerce.not_the_articles",
        say("The shop answered with other articles than were sent."),
        say("A cache or a plugin mixes answers up."),
        say("Exclude the REST API from caching at the host; the quantities are looked up and told again."),
    ),
    Entry(
        "woocommerce.not_a_list",
        say("The shop answered with something that is no list of records."),
        say("A cache or a plugin has put its own page in the answer's place."),
        say("Exclude the REST API from caching at the host; it is tried again by itself."),
    ),
    Entry(
        "woocommerce.checkpoint",
        say("The place from which to read on is none of this connector."),
        say("The connection was of another system before, or the database comes from elsewhere."),
        say("Rewind the connection to a date; nothing is lost, and nothing is made twice."),
    ),
    Entry(
        "woocommerce.fraction",
        say("The shop counts whole pieces."),
        say("The ERP has a fraction of the article in stock."),
        say("Sell it in a smaller unit, or freeze its stock in the channel."),
    ),
    Entry(
        "woocommerce.not_counted",
        say("The shop keeps no count for the article."),
        say("Its stock management is switched off there."),
        say("Switch it on (Inventory > Stock management), or freeze its stock in the channel."),
    ),
    Entry(
        "woocommerce.counted_together",
        say("The shop counts several articles as one."),
        say("Variations share the count of their product, and the ERP has different quantities for them."),
        say("Let the shop count each variation for itself (Variations > Manage stock?)."),
    ),
)

_TRYTON: Final = (
    Entry(
        "tryton.warning",
        say("Tryton warns and waits for a person to agree."),
        say("One of its rules finds the document unusual; nothing was kept."),
        say("Do it once by hand in Tryton and answer the warning with *always ignore*, or mend what it names; retry."),
    ),
    Entry(
        "tryton.server_error",
        say("Tryton failed inside."),
        say("A module of Tryton met something that it did not foresee; whether something was kept is not known."),
        say("Look into Tryton's log at that time; retry when it is mended."),
    ),
    Entry(
        "tryton.unknown_name",
        say("Tryton does not know a model, field or button."),
        say("The module that has it is not activated, or its version is another one."),
        say("Activate the module that the text names (see the Tryton page of the documentation); then retry."),
    ),
    Entry(
        "tryton.locked",
        say("Another call holds what Tryton needs for this one."),
        say("Somebody, or another of our calls, works on the same record."),
        say("Nothing: it is tried again by itself."),
    ),
    Entry(
        "tryton.gone",
        say("The sale or the invoice is no longer in Tryton."),
        say("Somebody deleted it."),
        say("Make a new sale, link another one, or reject the order."),
    ),
    Entry(
        "tryton.no_login",
        say("Tryton does this for a user alone, and the connection has no login."),
        say("Payments, and goods that are called off, go over JSON-RPC, which takes no application key."),
        say("Set `auth.login` and `auth.password` of the connection, restart, then retry."),
    ),
    Entry(
        "tryton.merged",
        say("The shipment holds goods of other sales too."),
        say("Tryton has merged what goes to one address."),
        say("Take the goods out of the shipment in Tryton by hand, then approve the order."),
    ),
    Entry(
        "tryton.state",
        say("The document is not in the state that this needs."),
        say("Somebody has worked on it: goods are being picked, or the invoice is paid or cancelled."),
        say("Look at it in Tryton and finish by hand what is missing; then retry or approve."),
    ),
    Entry(
        "tryton.wrong_state",
        say("Tryton did what it was asked to, and the document is in another state than that should give."),
        say("A module or a rule of yours has changed it in the same moment."),
        say("Nothing at first: it is looked up. If it stays, look at the document in Tryton."),
    ),
    Entry(
        "tryton.no_file",
        say("Tryton prints nothing for this kind of document."),
        say("Only invoices and credit notes have a report."),
        say("Nothing; switch off the files of this kind in the channel if it disturbs."),
    ),
    Entry(
        "tryton.too_large",
        say("The printed file is larger than we keep."),
        say("The report has large pictures, or very many lines."),
        say("Make the pictures of the report smaller in Tryton, then retry."),
    ),
    Entry(
        "tryton.currency",
        say("The payment is in another currency than the company's."),
        say("For a draft of it a rate would have to be chosen."),
        say("Book it in Tryton by hand, or let payments be posted instead of drafted; then retry."),
    ),
    Entry(
        "tryton.no_category",
        say("Tryton has no account category by which a new product would be booked."),
        say("A product without one cannot be invoiced; where there are several, only a person knows which fits."),
        say("Make one with a revenue account, or make the product in Tryton by hand; then run the doctor again."),
    ),
    Entry(
        "tryton.period",
        say("Tryton has no open period for the day."),
        say("The books of that month are closed, or the fiscal year was not opened yet."),
        say("Open the period in Tryton, then retry."),
    ),
    Entry(
        "tryton.asked",
        say("Tryton asks for more before it books the payment."),
        say("The amount is not what the invoice has open, so somebody must choose."),
        say("Pay the invoice in Tryton by hand, then retry: what stands there counts."),
    ),
)

#: Id -> entry.
CODES: Final[Mapping[str, Entry]] = {
    entry.id: entry for entry in (*_SHARED, *FXIAOKE, *ODOO, *SHOPIFY, *VENDURE, *_WOOCOMMERCE, *ZOHO_CRM, *_TRYTON)
}
