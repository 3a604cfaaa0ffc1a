"""The check-up of a company on Fxiaoke: reads alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.fxiaoke import codes
from connectors.fxiaoke.client import Client
from connectors.fxiaoke.orders import ACCOUNT, LINE, ORDER, PRODUCT
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, warn
from connectors.kit.words import say

CHECKS: Final[Mapping[str, str]] = {
    "fxiaoke.address": N_("the CRM answers, and lets the app in"),
    "fxiaoke.clock": N_("the CRM's clock and ours agree"),
    "fxiaoke.objects": N_("orders, their lines, customers and products can be read"),
    "fxiaoke.fields": N_("the fields that the connection names are there"),
    "fxiaoke.parcels": N_("there is a place for the parcels that a channel tells of"),
    "fxiaoke.key": N_("nobody can make a parcel's record twice"),
    "fxiaoke.accounts": N_("nobody can make a customer twice"),
    "fxiaoke.entries": N_("nobody can write an entry of a customer's history twice"),
    "fxiaoke.timezone": N_("the channel counts its days as the company does"),
}


#: Options that name a field of the order.
_OF_ORDER: Final = ("freight_field", "state_field", "sale_field", "shipment_field", "invoice_field")

_OF_ACCOUNT: Final = (
    *("vat_id_field", "account_orders_field", "account_value_field"),
    *("account_last_field", "account_open_field", "account_key_field"),
)


class Checkup:
    """One check-up."""

    def __init__(self, client: Client, tenant: Tenant) -> None:
        self._client, self._tenant = client, tenant
        self._fields: dict[str, JsonDict] = {}

    def run(self, circumstances: Circumstances) -> Iterator[Finding]:
        """Every check, until Fxiaoke does not answer at all."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            self._client.rows(ORDER, [], "_id", limit=1, fields=("_id",))
        except ConnectorError as error:
            yield _refused("fxiaoke.address", error)
            return
        yield ok("fxiaoke.address", say("Fxiaoke answers"))
        yield of_clock("fxiaoke.clock", self._client.date, asked_at, dt.datetime.now(dt.UTC))
        yield self._objects()
        yield self._named_fields()
        yield self._parcels(circumstances.tell_parcels)
        yield self._key()
        yield self._account_key()
        yield self._entry_key(circumstances.tell_histories)
        yield _zone(self._tenant.zone, circumstances.zones)

    def _objects(self) -> Finding:
        check, missing = "fxiaoke.objects", []
        for name in (ORDER, LINE, ACCOUNT, PRODUCT):
            try:
                self._client.rows(name, [], "_id", limit=1, fields=("_id",))
                self._fields[name] = self._client.describe(name)
            except RecordRejected as error:
                missing.append(f"{name} ({error})")
            except ConnectorError as error:
                return _refused(check, error)
        if missing:
            step = say("give the app, and the employee for whom it calls, the right to read them")
            return fail(check, say("cannot be read: %(what)s", what="; ".join(missing)), step)
        return ok(check, say("all of them can be read"))

    def _named_fields(self) -> Finding:
        check, names, missing = "fxiaoke.fields", self._tenant.names, []
        wanted = [
            *((ORDER, option) for option in _OF_ORDER),
            *((LINE, option) for option in ("tax_rate_field",)),
            *((ACCOUNT, option) for option in _OF_ACCOUNT),
            (PRODUCT, "sku_field"),
        ]
        for owner, option in wanted:
            described = self._fields.get(owner)
            if names[option] and described is not None and names[option] not in described:
                missing.append(f"{owner}.{names[option]} ({option})")
        if missing:
            step = say("create them in Fxiaoke's administration, or name others in the connection's options")
            return fail(check, say("not there: %(what)s", what=", ".join(missing)), step)
        return ok(check, say("they are there"))

    def _parcels(self, channels: Sequence[str]) -> Finding:
        """Without a place for them, orders that were sent are held."""
        check, names = "fxiaoke.parcels", self._tenant.names
        told, listed = names["shipment_object"] or names["shipment_field"], ", ".join(channels)
        if told:
            return ok(check, say("they are told in %(where)s", where=told))
        if not channels:
            return ok(check, say("no channel tells of parcels"))
        step = say(
            "name a field or an object for them (options shipment_field, shipment_object), or set "
            "`after_import: {shipments: off}` in these channels"
        )
        return warn(check, say("%(channels)s would tell of parcels, and there is no place", channels=listed), step)

    def _key(self) -> Finding:
        check, name, key = "fxiaoke.key", self._tenant.names["shipment_object"], self._tenant.names["key_field"]
        if not name:
            return ok(check, say("parcels are told in a field of the order, or not at all: there is nothing to double"))
        return self._enforced(check, name, key, self._tenant.names["order_field"])

    def _account_key(self) -> Finding:
        check, key = "fxiaoke.accounts", self._tenant.names["account_key_field"]
        if not key:
            return ok(check, say("no customers are made: the connection names no field for their key"))
        return self._enforced(check, ACCOUNT, key)

    def _entry_key(self, channels: Sequence[str]) -> Finding:
        check, names = "fxiaoke.entries", self._tenant.names
        if not names["entry_object"] and channels:
            step = say("name an object for them (option entry_object), or leave `history_from` out of these channels")
            told = say(
                "%(channels)s would tell customers' histories, and there is no place", channels=", ".join(channels)
            )
            return warn(check, told, step)
        if not names["entry_object"]:
            return ok(check, say("customers' histories are not told: the connection names no object for them"))
        others = [names[each] for each in ("entry_account_field", "entry_title_field", "entry_text_field")]
        return self._enforced(check, names["entry_object"], names["entry_key_field"], *filter(None, others))

    def _enforced(self, check: str, name: str, key: str, *others: str) -> Finding:
        """Whether an object has these fields, and refuses a key twice. The API makes no fields: a person has to."""
        try:
            fields = self._client.describe(name)
        except ConnectorError as error:
            return _refused(check, error)
        step = say(
            "in Fxiaoke's administration give the object %(object)s a text field %(field)s and switch on that its "
            "values are unique; the API cannot do it",
            object=name,
            field=key,
        )
        missing = [each for each in (key, *others) if each not in fields]
        if missing:
            return fail(check, say("%(object)s has no %(what)s", object=name, what=", ".join(missing)), step)
        if not _unique(fields[key]):
            text = say("%(object)s takes the same %(field)s twice", object=name, field=key)
            return warn(check, text, step)
        return ok(check, say("%(object)s refuses the same %(field)s twice", object=name, field=key))


def _unique(field: Any) -> bool:
    return isinstance(field, dict) and field.get("is_unique") is True


def _refused(check: str, error: ConnectorError) -> Finding:
    """The refusal, with its advice apart."""
    advice = codes.advice(error)
    found = of_error(check, error, advice)
    if check == "fxiaoke.address":
        step = advice or say("correct `url`, or see why Fxiaoke does not answer")
        return fail(check, codes.without_advice(error), step)
    return dataclasses.replace(found, found=codes.without_advice(error))


def _zone(name: str, zones: Mapping[str, str]) -> Finding:
    """Days are compared in the proof: an order just before midnight must not count on another day here."""
    check, now = "fxiaoke.timezone", dt.datetime.now(dt.UTC)
    offset = now.astimezone(ZoneInfo(name)).utcoffset()
    others = [channel for channel in sorted(zones) if now.astimezone(ZoneInfo(zones[channel])).utcoffset() != offset]
    if others:
        theirs = ", ".join(f"{channel}: {zones[channel]}" for channel in others)
        text = say(
            "the company counts its days in %(shown)s, the channel in another zone (%(theirs)s)",
            shown=name,
            theirs=theirs,
        )
        return warn(check, text, say("set `timezone` of the channel to %(shown)s", shown=name))
    return ok(check, say("both count in %(shown)s", shown=name))
