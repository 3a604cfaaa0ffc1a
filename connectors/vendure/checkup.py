"""The check-up of a Vendure shop: reads alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.kit.errors import ConnectionBroken, ConnectorError
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, warn
from connectors.kit.words import Phrase, say
from connectors.vendure import codes, queries
from connectors.vendure.client import Client
from connectors.vendure.orders import CHEAP, Orders, Sweeping
from connectors.vendure.stock import Stock

CHECKS: Final[Mapping[str, str]] = {
    "vendure.address": N_("the shop answers, and lets us in"),
    "vendure.clock": N_("the shop's clock and ours agree"),
    "vendure.permissions": N_("the user may read orders, and write what goes back"),
    "vendure.money": N_("currency and prices are known"),
    "vendure.sweep": N_("refunds and shipments are found in time"),
    "vendure.fulfilments": N_("the shop takes our parcels"),
    "vendure.stock": N_("the stock location is known"),
}
_READS: Final = "ReadOrder"
#: What the way back needs -> what for.
_WRITES: Final = ("UpdateOrder", "ReadCatalog", "UpdateCatalog", "ReadSettings")
#: After so many pulls a round of the sweep should be over.
_ROUNDS: Final = 10


class Checkup:
    """One check-up."""

    def __init__(self, client: Client, orders: Orders, stock: Stock, *, handler: str, sweeping: Sweeping) -> None:
        self._client, self._orders, self._stock = client, orders, stock
        self._handler, self._sweeping = handler, sweeping

    def run(self, _circumstances: Circumstances) -> Iterator[Finding]:
        """Every check, until the shop does not answer at all."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            data = self._client.read(queries.WHO)
        except ConnectorError as error:
            finding = _refused("vendure.address", error)
            step = finding.next_step or say("correct `url`, or see why the shop does not answer")
            yield fail("vendure.address", finding.found, step)
            return
        channel, who = data.get("activeChannel") or {}, data.get("me") or {}
        if not who:
            step = codes.advice(codes.FORBIDDEN)
            yield fail("vendure.address", say("the shop answers, and does not know us"), step)
            return
        yield ok("vendure.address", say("the shop answers as channel %(channel)s", channel=str(channel.get("code"))))
        yield of_clock("vendure.clock", self._client.date, asked_at, dt.datetime.now(dt.UTC))
        yield _permissions(who, channel)
        yield _money(channel)
        for check, look in (
            ("vendure.sweep", self._sweep),
            ("vendure.fulfilments", self._fulfilments),
            ("vendure.stock", self._location),
        ):
            try:
                yield look(check)
            except ConnectorError as error:
                yield _refused(check, error)

    def _sweep(self, check: str) -> Finding:
        days, pages = self._sweeping.days, self._sweeping.pages
        if not days:
            text = say("switched off: what is refunded or sent in the shop is found by the nightly comparison only")
            return warn(check, text, say("set option `sweep_days`"))
        count = self._orders.count_placed(dt.datetime.now(dt.UTC) - dt.timedelta(days=days))
        pulls = -(-count // (CHEAP * pages)) or 1
        text = say(
            "%(count)s orders of the last %(days)s days are swept in %(pulls)s pulls",
            count=count,
            days=days,
            pulls=pulls,
        )
        if pulls <= _ROUNDS:
            return ok(check, text)
        return warn(check, text, say("raise option `sweep_pages`, or lower `sweep_days`"))

    def _fulfilments(self, check: str) -> Finding:
        rows: Any = self._client.read(queries.HANDLERS).get("fulfillmentHandlers") or []
        known = [str(row.get("code")) for row in rows]
        if self._handler in known:
            return ok(check, say("the shop has the handler %(handler)s", handler=self._handler))
        text = say(
            "the shop has no fulfilment handler %(handler)s, only %(known)s",
            handler=self._handler,
            known=", ".join(known),
        )
        return fail(check, text, say("set option `fulfilment_handler` to one that takes `method` and `trackingCode`"))

    def _location(self, check: str) -> Finding:
        try:
            place = self._stock.place()
        except ConnectionBroken as error:
            if error.code != "stock_location":
                raise
            return warn(check, str(error), say("set option `stock_location` before stock is pushed"))
        return ok(check, say("stock is set at location %(place)s", place=place))


def _refused(check: str, error: ConnectorError) -> Finding:
    """The refusal, with its advice apart."""
    finding = of_error(check, error, codes.advice(error.code))
    text = error.args[0]
    if isinstance(text, Phrase) and "advice" in text.values:
        return dataclasses.replace(finding, found=str(text.values["answer"]))
    return finding


def _permissions(who: Mapping[str, Any], channel: Mapping[str, Any]) -> Finding:
    check, has = "vendure.permissions", set()
    for each in who.get("channels") or ():
        if each.get("code") == channel.get("code"):
            has = set(each.get("permissions") or ())
    if "SuperAdmin" in has:
        step = say("make an administrator of its own for Crossdock, with a role that may no more than it needs")
        return warn(check, say("the user may do everything"), step, expected=", ".join((_READS, *_WRITES)))
    missing = [name for name in (_READS, *_WRITES) if name not in has]
    if not missing:
        return ok(check, say("the user may read orders, and write what goes back"))
    text = say("the role lacks %(missing)s", missing=", ".join(missing))
    step = say("add them to the role of the user, in the shop under Settings > Roles")
    return (fail if _READS in missing else warn)(check, text, step, expected=", ".join((_READS, *_WRITES)))


def _money(channel: Mapping[str, Any]) -> Finding:
    prices = say("entered with tax") if channel.get("pricesIncludeTax") else say("entered without tax")
    currency = str(channel.get("defaultCurrencyCode") or "")
    return ok("vendure.money", say("%(currency)s, prices %(prices)s", currency=currency, prices=prices))
