"""The check-up of a Shopify shop: reads alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.base import JsonDict, Subscription
from connectors.kit.errors import ConnectorError
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.words import say
from connectors.shopify import codes, queries
from connectors.shopify.client import Client
from connectors.shopify.orders import ALL_ORDERS
from connectors.shopify.webhooks import refusal_without_secret

CHECKS: Final[Mapping[str, str]] = {
    "shopify.address": N_("the shop answers, and lets the app in"),
    "shopify.clock": N_("the shop's clock and ours agree"),
    "shopify.version": N_("the shop answers by the version of the API that we speak"),
    "shopify.scopes": N_("the app may read orders"),
    "shopify.history": N_("orders older than 60 days are shown"),
    "shopify.way_back": N_("the app may write what goes back to the shop"),
    "shopify.locations": N_("it is clear whose stock the shop shows"),
    "shopify.money": N_("currency and prices are known"),
    "shopify.timezone": N_("the channel counts its days as the shop does"),
    "shopify.webhooks.secret": N_("webhooks can be verified"),
    "shopify.webhooks": N_("webhooks are there, and come to us"),
}
#: What the way back needs -> for what.
WRITES: Final[Mapping[str, str]] = {
    "write_orders": say("invoices, tags, cancellations"),
    "write_merchant_managed_fulfillment_orders": say("parcels"),
    "write_inventory": say("stock"),
    "read_products": say("stock"),
    "read_locations": say("stock"),
}
#: So long before the version ends, an update of Crossdock is due.
_SOON: Final = dt.timedelta(days=60)


class Checkup:
    """One check-up."""

    def __init__(
        self,
        client: Client,
        subscriptions: Callable[[str], list[Subscription]],
        locations: Callable[[], tuple[Mapping[str, str], str]],
        *,
        has_secret: bool,
    ) -> None:
        """`locations` answers the names of those that there are by their ids, and the id of the one without a name."""
        self._client, self._subscriptions, self._has_secret = client, subscriptions, has_secret
        self._locations = locations

    def run(self, circumstances: Circumstances) -> Iterator[Finding]:
        """Every check, until the shop does not answer at all."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            data = self._client.read(queries.SHOP)
        except ConnectorError as error:
            finding = _refused("shopify.address", error)
            step = finding.next_step or say("correct `url`, or see why the shop does not answer")
            yield fail("shopify.address", finding.found, step)
            return
        shop = data.get("shop") or {}
        yield ok("shopify.address", say("%(name)s answers", name=str(shop.get("name") or say("the shop"))))
        yield of_clock("shopify.clock", self._client.date, asked_at, dt.datetime.now(dt.UTC))
        yield _version(self._client.answered_by, dt.datetime.now(dt.UTC).date())
        yield from self._scopes()
        yield _money(shop)
        yield _zone(str(shop.get("ianaTimezone") or ""), circumstances.zones)
        yield from self._webhooks(circumstances.delivery_url)

    def _scopes(self) -> Iterator[Finding]:
        try:
            scopes = self._client.scopes()
        except ConnectorError as error:
            yield _refused("shopify.scopes", error)
            return
        if not {"read_orders", "write_orders"} & scopes:
            step = say("grant the app the scope read_orders and install it again")
            yield fail("shopify.scopes", say("the app may not read orders"), step, expected="read_orders")
        else:
            yield ok("shopify.scopes", say("the app may read orders"))
        if ALL_ORDERS not in scopes:
            step = say("ask Shopify for the scope read_all_orders before older orders are to be brought")
            text = say("the shop shows orders of the last 60 days only, and of older ones nobody can say what became")
            yield warn("shopify.history", text, step, expected=ALL_ORDERS)
        else:
            yield ok("shopify.history", say("orders of any age are shown"))
        check = "shopify.way_back"
        if missing := [name for name in WRITES if not {name, name.replace("read_", "write_", 1)} & scopes]:
            told = ", ".join(f"{name} ({WRITES[name]})" for name in missing)
            step = say("grant the app what the channel is to write, and install it again")
            yield warn(check, say("the app has not %(scopes)s", scopes=told), step)
        else:
            yield ok(check, say("the app may write orders, parcels and stock"))
        yield self._stock_place(may_read="read_locations" in scopes)

    def _stock_place(self, *, may_read: bool) -> Finding:
        """Only a channel that shows stock needs it."""
        check = "shopify.locations"
        if not may_read:
            return unknown(check, say("the app may not read locations"), say("grant it read_locations to show stock"))
        try:
            names, unnamed = self._locations()
        except ConnectorError as error:
            return _refused(check, error)
        listed = ", ".join(sorted(names.values()))
        if unnamed:
            return ok(check, say("stock is shown in %(place)s", place=names[unnamed]))
        step = say("name them under `stock.locations` of the channel, or the one of them as option `location`")
        return warn(check, say("the shop has several locations: %(listed)s", listed=listed), step)

    def _webhooks(self, delivery_url: str) -> Iterator[Finding]:
        check = "shopify.webhooks.secret"
        if self._has_secret:
            yield ok(check, say("the connection knows a secret"))
        else:
            yield warn(check, refusal_without_secret(), say("put the app's client secret into `webhook_secrets`"))
        check = "shopify.webhooks"
        if not delivery_url:
            step = say("set CROSSDOCK_PUBLIC_URL to the address under which the shop reaches Crossdock")
            yield warn(
                check, say("nobody can deliver: Crossdock has no public address, orders come by the pull only"), step
            )
            return
        try:
            missing = [each.topic for each in self._subscriptions(delivery_url) if not each.external_id]
        except ConnectorError as error:
            yield _refused(check, error)
            return
        if missing:
            step = say("repair them on the connection's page, or wait for the next check of the schedule")
            yield warn(check, say("%(missing)s missing", missing=", ".join(missing)), step)
            return
        yield ok(check, say("all subscriptions deliver to %(delivery_url)s", delivery_url=delivery_url))


def _refused(check: str, error: ConnectorError) -> Finding:
    """The refusal, with its advice apart."""
    advice = codes.advice(error.status, error.code)
    return dataclasses.replace(of_error(check, error, advice), found=codes.without_advice(error))


def _version(answered_by: str, today: dt.date) -> Finding:
    """A version that is gone is answered by the oldest that is left, without a word."""
    check, sunset = "shopify.version", dt.date.fromisoformat(queries.SUNSET)
    step = say("update Crossdock")
    if answered_by and answered_by != queries.VERSION:
        text = say("we speak %(ours)s, the shop answers by %(theirs)s", ours=queries.VERSION, theirs=answered_by)
        return fail(check, text, step, expected=queries.VERSION)
    text = say("version %(version)s, which Shopify keeps until %(sunset)s", version=queries.VERSION, sunset=sunset)
    return warn(check, text, step) if today + _SOON > sunset else ok(check, text)


def _money(shop: JsonDict) -> Finding:
    currency, gross = str(shop.get("currencyCode") or ""), shop.get("taxesIncluded")
    if not currency:
        return unknown("shopify.money", say("the shop does not say its currency"), say("try again in a moment"))
    prices = say("entered with tax") if gross else say("entered without tax")
    return ok("shopify.money", say("%(currency)s, prices %(prices)s", currency=currency, prices=prices))


def _zone(name: str, zones: Mapping[str, str]) -> Finding:
    """Days are compared in the proof: an order just before midnight must not count on another day here."""
    check, now = "shopify.timezone", dt.datetime.now(dt.UTC)
    try:
        offset: Any = now.astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError):
        return unknown(check, say("the shop does not say its time zone"), say("look at it in the shop's settings"))
    others = [channel for channel in sorted(zones) if now.astimezone(ZoneInfo(zones[channel])).utcoffset() != offset]
    if others:
        theirs = ", ".join(f"{channel}: {zones[channel]}" for channel in others)
        text = say(
            "the shop counts its days in %(shown)s, the channel in another zone (%(theirs)s)", shown=name, theirs=theirs
        )
        return warn(check, text, say("set `timezone` of the channel to %(shown)s", shown=name))
    return ok(check, say("both count in %(shown)s", shown=name))
