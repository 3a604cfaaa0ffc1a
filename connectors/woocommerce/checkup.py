"""The check-up of a WooCommerce shop: reads, and one write that is refused whatever the key may do."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.answers import Response
from connectors.kit.base import Subscription
from connectors.kit.errors import ConnectionBroken, ConnectorError, RecordRejected
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.http import HttpClient
from connectors.kit.words import joined, say
from connectors.woocommerce import codes

CHECKS: Final[Mapping[str, str]] = {
    "woocommerce.address": N_("the shop answers, and its REST API is open"),
    "woocommerce.clock": N_("the shop's clock and ours agree"),
    "woocommerce.key.read": N_("the key may read orders"),
    "woocommerce.key.write": N_("the key may set up webhooks"),
    "woocommerce.version": N_("the shop's version is one that we know"),
    "woocommerce.money": N_("currency, decimals and prices are known"),
    "woocommerce.timezone": N_("the channel counts its days as the shop does"),
    "woocommerce.webhooks.secret": N_("webhooks can be verified"),
    "woocommerce.webhooks": N_("webhooks are there, active, and come to us"),
}
#: Older cores do not sort by the time of change: they are read another way, which takes longer.
_SORTS: Final = (7, 0)
_INDEX_FIELDS: Final = "name,home,namespaces,timezone_string,gmt_offset"
#: No webhook ever has this id: a key that may write is told so, one that may only read is refused before.
_NO_WEBHOOK: Final = "webhooks/0"
_PRICES: Final = {"yes": say("entered with tax"), "no": say("entered without tax")}
_PERMALINKS: Final = say("choose any structure but Plain under Settings > Permalinks in the shop's administration")

Get = Callable[[str, Mapping[str, str | int]], Response]


class Checkup:
    """One check-up; `site` speaks to the root of the shop without credentials, `http` to `wc/v3` with them."""

    def __init__(
        self,
        site: HttpClient,
        http: HttpClient,
        get: Get,
        subscriptions: Callable[[str], list[Subscription]],
        *,
        has_webhook_secret: bool,
    ) -> None:
        """`get` and `subscriptions` are the connector's own: what they meet, a pull would meet."""
        self._site, self._http, self._get = site, http, get
        self._subscriptions, self._has_webhook_secret = subscriptions, has_webhook_secret

    def run(self, circumstances: Circumstances) -> Iterator[Finding]:
        """Every check, until the shop does not answer at all."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            index = self._site.get("wp-json/", {"_fields": _INDEX_FIELDS})
        except ConnectorError as error:
            yield self._no_index(error)
            return
        answered_at = dt.datetime.now(dt.UTC)
        facts = index.data if isinstance(index.data, dict) else {}
        yield _address(facts)
        yield of_clock("woocommerce.clock", index.headers.get("Date", ""), asked_at, answered_at)
        yield self._key_reads()
        yield self._key_writes()
        yield from self._status()
        yield _zone(facts, circumstances.zones)
        yield from self._webhooks(circumstances.delivery_url)

    def _no_index(self, error: ConnectorError) -> Finding:
        """With Plain permalinks the API hides behind the query; else it is not there, or nobody is."""
        check = "woocommerce.address"
        if error.code != "no_rest_api":
            return fail(check, str(error), say("correct `url`, or see why the shop does not answer"))
        try:
            self._site.get("?rest_route=/", {"_fields": "name"})
        except ConnectorError:
            step = say("correct `url`: it is the address of the shop's front page, with the folder if it lies in one")
            return fail(check, say("nothing of WordPress is at this address"), step)
        return fail(check, say("permalinks are set to Plain, so the API has no address of its own"), _PERMALINKS)

    def _key_reads(self) -> Finding:
        check = "woocommerce.key.read"
        try:
            answer = self._get("orders", {"per_page": 1, "_fields": "id", "status": "any"})
        except ConnectorError as error:
            return _refused(check, error)
        if not isinstance(answer.data, list):
            return fail(
                check, say("orders were answered with something else"), say("see what stands in front of the shop")
            )
        total = answer.headers.get("X-WP-Total", "")
        if not total.isdecimal():
            step = say("let the proxy in front of the shop pass the headers X-WP-Total and X-WP-TotalPages")
            return fail(check, say("the answer does not say how many orders there are"), step)
        return ok(check, say("%(total)s orders can be read", total=int(total)))

    def _key_writes(self) -> Finding:
        check = "woocommerce.key.write"
        step = say("give the key Read/Write permission, or make the webhooks in the shop by hand")
        try:
            self._http.request("PUT", _NO_WEBHOOK, json={}, write=False)
        except RecordRejected:
            return ok(check, say("it may write: a change of a webhook that is not there was refused for that alone"))
        except ConnectionBroken as error:
            if error.code == "woocommerce_rest_authentication_error" and "permission" in str(error):
                return warn(check, say("the key may only read"), step, expected="Read/Write")
            return _refused(check, error)
        except ConnectorError as error:
            return of_error(check, error)
        return unknown(
            check, say("the shop changed a webhook that cannot be there"), say("report this, with the shop's version")
        )

    def _status(self) -> Iterator[Finding]:
        fields = "environment.version,environment.wp_version,settings.currency,settings.number_of_decimals"
        try:
            data = self._get("system_status", {"_fields": fields}).data
            gross = self._get("settings/tax/woocommerce_prices_include_tax", {"_fields": "value"}).data
        except ConnectorError as error:
            yield _settings_closed("woocommerce.version", error)
            yield _settings_closed("woocommerce.money", error)
            return
        yield _version(_in(data, "environment", "version"), _in(data, "environment", "wp_version"))
        yield _money(
            _in(data, "settings", "currency"), _in(data, "settings", "number_of_decimals"), _in(gross, "value")
        )

    def _webhooks(self, delivery_url: str) -> Iterator[Finding]:
        check = "woocommerce.webhooks.secret"
        step = say("put a long random text into `webhook_secrets` of the connection")
        if not self._has_webhook_secret:
            yield warn(check, say("the connection has no webhook secret: deliveries would all be refused"), step)
        else:
            yield ok(check, say("the connection knows a secret; the shop never tells the one that it signs with"))
        check = "woocommerce.webhooks"
        if not delivery_url:
            step = say("set CROSSDOCK_PUBLIC_URL to the address under which the shop reaches Crossdock")
            yield warn(
                check, say("nobody can deliver: Crossdock has no public address, orders come by the pull only"), step
            )
            return
        try:
            found = self._subscriptions(delivery_url)
        except ConnectorError as error:
            yield _refused(check, error)
            return
        yield _subscribed(check, found, delivery_url)


def _address(facts: Mapping[str, Any]) -> Finding:
    check = "woocommerce.address"
    if "wc/v3" not in (facts.get("namespaces") or ()):
        found = say("WordPress answers, but WooCommerce's API wc/v3 is not there")
        return fail(check, found, say("activate WooCommerce (3.5 or newer), or open its API in the security plugin"))
    return ok(check, say("%(name)s answers", name=facts.get("name") or say("the shop")))


def _refused(check: str, error: ConnectorError) -> Finding:
    """The refusal, with its advice apart."""
    advice = codes.advice(error.code)
    return dataclasses.replace(of_error(check, error, advice), found=codes.without_advice(error))


def _settings_closed(check: str, error: ConnectorError) -> Finding:
    """A key may read orders and not settings; we need them for this check alone."""
    if not isinstance(error, ConnectionBroken):
        return of_error(check, error)
    step = say("give the key's user the role Shop manager, or look at these settings yourself")
    return unknown(check, say("the key may not read the shop's settings"), step)


def _version(version: str, wordpress: str) -> Finding:
    check, numbers = "woocommerce.version", tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers:
        return unknown(check, say("the shop does not say its version"))
    found = say("WooCommerce %(version)s on WordPress %(wordpress)s", version=version, wordpress=wordpress or "?")
    if numbers < _SORTS:
        step = say("update WooCommerce; until then a pull reads all that changed in one go, which takes longer")
        return warn(check, found, step, expected=say("7.0 or newer"))
    return ok(check, found)


def _money(currency: str, decimals: str, gross: str) -> Finding:
    check = "woocommerce.money"
    if not currency or not decimals.isdecimal():
        return unknown(check, say("the shop does not say its currency and decimals"))
    prices = _PRICES.get(gross, say("entered in a way that it does not say"))
    return ok(
        check,
        say(
            "%(currency)s with %(decimals)s decimals, prices %(prices)s",
            currency=currency,
            decimals=decimals,
            prices=prices,
        ),
    )


def _zone(facts: Mapping[str, Any], zones: Mapping[str, str]) -> Finding:
    """Days are compared in the proof: an order just before midnight must not count on another day here."""
    check, now = "woocommerce.timezone", dt.datetime.now(dt.UTC)
    name = str(facts.get("timezone_string") or "")
    offset = _offset(name, facts.get("gmt_offset"), now)
    if offset is None:
        return unknown(check, say("the shop does not say its time zone"))
    shown = name or f"UTC{'-' if offset < dt.timedelta() else '+'}{abs(offset)}"
    others = [channel for channel in sorted(zones) if now.astimezone(ZoneInfo(zones[channel])).utcoffset() != offset]
    if others:
        theirs = ", ".join(f"{channel}: {zones[channel]}" for channel in others)
        step = say(
            "set `timezone` of the channel to %(shown)s, or correct it in the shop (Settings > General)", shown=shown
        )
        return warn(
            check,
            say(
                "the shop counts its days in %(shown)s, the channel in another zone (%(theirs)s)",
                shown=shown,
                theirs=theirs,
            ),
            step,
        )
    return ok(
        check,
        say("both count in %(shown)s", shown=shown) if zones else say("the shop counts in %(shown)s", shown=shown),
    )


def _offset(name: str, hours: object, now: dt.datetime) -> dt.timedelta | None:
    """How far the shop's clock on the wall is from UTC now; a shop without a named zone says hours."""
    with contextlib.suppress(ZoneInfoNotFoundError, ValueError):
        if name:
            return now.astimezone(ZoneInfo(name)).utcoffset()
    with contextlib.suppress(ValueError, OverflowError):
        return dt.timedelta(hours=float(str(hours)))
    return None


def _subscribed(check: str, found: list[Subscription], delivery_url: str) -> Finding:
    missing = [each.topic for each in found if not each.external_id]
    stopped = [each.topic for each in found if each.external_id and not each.active]
    if not missing and not stopped:
        return ok(
            check,
            say(
                "%(count)s subscriptions are active and deliver to %(delivery_url)s",
                count=len(found),
                delivery_url=delivery_url,
            ),
        )
    told = say("%(missing)s missing", missing=", ".join(missing))
    if stopped:
        # More than five failures in a row, and the shop stops without a word.
        off = ", ".join(stopped)
        stop = say("%(stopped)s switched off, as the shop does after deliveries have failed", stopped=off)
        told = joined("; ", (told, stop)) if missing else stop
    step = say("repair them on the connection's page, or wait for the next check of the schedule")
    return warn(check, told, step, expected=say("active, delivering to %(delivery_url)s", delivery_url=delivery_url))


def _in(data: object, *path: str) -> str:
    """A value of the answer as text; empty where it is not there."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return "" if data is None else str(data)
