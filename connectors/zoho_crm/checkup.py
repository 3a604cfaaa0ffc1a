"""The check-up of a Zoho CRM organisation: reads alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.words import joined, say
from connectors.zoho_crm import codes, preparing
from connectors.zoho_crm.accounts import KEY
from connectors.zoho_crm.client import VERSION, Client, Organisation

CHECKS: Final[Mapping[str, str]] = {
    "zoho_crm.address": N_("the data centre answers, and lets the client in"),
    "zoho_crm.clock": N_("the clock of Zoho CRM and ours agree"),
    "zoho_crm.version": N_("which version of the API we speak"),
    "zoho_crm.read": N_("orders can be read, with their contacts and accounts"),
    "zoho_crm.deleted": N_("deleted orders are told"),
    "zoho_crm.fields": N_("there are fields for what comes back to an order"),
    "zoho_crm.accounts": N_("accounts have fields for what a customer has bought, and one that keeps them single"),
    "zoho_crm.money": N_("the currency is known"),
    "zoho_crm.timezone": N_("the channel counts its days as the organisation does"),
    "zoho_crm.credits": N_("credits of the API are left"),
    "zoho_crm.webhooks.secret": N_("notifications can be told from forged ones"),
    "zoho_crm.webhooks": N_("the channel of notifications is there, and until when"),
}
#: Fields of the organisation's own, which the mapping writes.
FIELDS: Final = tuple(need.name for need in preparing.OF_ORDERS)
OF_ACCOUNTS: Final = tuple(need.name for need in preparing.OF_ACCOUNTS)
_MAKE_THEM: Final = joined(
    "; ",
    (
        say("have them made: crossdock doctor --create CHANNEL, with the scope ZohoCRM.settings.fields.CREATE"),
        say("make them (Setup > Modules and Fields), or do without: what has no field is not shown in the CRM"),
    ),
)
#: Fewer are soon used up by one pull of a busy day.
_FEW_CREDITS: Final = 1000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What is looked at of orders and notifications."""

    module: str
    #: Reads one order, or nothing where there is none.
    one_order: Callable[[], object]
    #: Until when the channel to an address lives.
    ends_at: Callable[[str], dt.datetime | None]
    has_secret: bool


class Checkup:
    """One check-up."""

    def __init__(self, client: Client, looks: Looks) -> None:
        self._client, self._looks = client, looks

    def run(self, circumstances: Circumstances) -> Iterator[Finding]:
        """Every check, until nobody answers at all."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            organisation = self._client.ask_organisation()
        except ConnectorError as error:
            finding = _refused("zoho_crm.address", error)
            step = finding.next_step or say("correct `url` and `auth`, or see why the data centre does not answer")
            yield fail("zoho_crm.address", finding.found, step)
            return
        yield ok("zoho_crm.address", say("%(name)s answers", name=organisation.name or say("the organisation")))
        yield of_clock("zoho_crm.clock", self._client.date, asked_at, dt.datetime.now(dt.UTC))
        yield ok("zoho_crm.version", say("version %(version)s; Zoho has not said when it will end", version=VERSION))
        yield _tried("zoho_crm.read", self._looks.one_order, say("%(module)s can be read", module=self._looks.module))
        yield self._deleted()
        yield self._fields()
        yield self._accounts()
        yield _money(organisation)
        yield _zone(organisation.zone, circumstances.zones)
        yield _credits(self._client.credits)
        yield from self._webhooks(circumstances.delivery_url)

    def _deleted(self) -> Finding:
        path = f"{self._looks.module}/deleted"
        params: dict[str, str | int] = {"type": "all", "page": 1, "per_page": 1}
        return _tried("zoho_crm.deleted", lambda: self._client.get(path, params), say("what was deleted is listed"))

    def _fields(self) -> Finding:
        check, module = "zoho_crm.fields", self._looks.module
        there = self._fields_of(check, module, FIELDS)
        if isinstance(there, Finding):
            return there
        if missing := [name for name in FIELDS if name not in there]:
            return warn(check, _lacks(module, missing), _MAKE_THEM)
        return ok(check, say("all of them are there: %(wanted)s", wanted=", ".join(FIELDS)))

    def _accounts(self) -> Finding:
        """Without the key no account is made; with one that is not unique, two may be."""
        check, wanted = "zoho_crm.accounts", OF_ACCOUNTS
        there = self._fields_of(check, "Accounts", wanted)
        if isinstance(there, Finding):
            return there
        if missing := [name for name in wanted if name not in there]:
            return warn(check, _lacks("Accounts", missing), _MAKE_THEM)
        if not there[KEY].get("unique"):
            step = say("edit the field and switch on that it does not allow duplicate values")
            return warn(check, say("Accounts take the same %(field)s twice", field=KEY), step)
        return ok(check, say("all of them are there: %(wanted)s", wanted=", ".join(wanted)))

    def _fields_of(self, check: str, module: str, wanted: Sequence[str]) -> dict[str, JsonDict] | Finding:
        """The fields of a module by their names; a finding where nobody may look."""
        try:
            return preparing.fields_of(self._client, module)
        except ConnectorError as error:
            names = ", ".join(wanted)
            step = say("add the scope ZohoCRM.settings.fields.READ, or look by yourself for %(wanted)s", wanted=names)
            return unknown(check, str(error), step)

    def _webhooks(self, delivery_url: str) -> Iterator[Finding]:
        check = "zoho_crm.webhooks.secret"
        if self._looks.has_secret:
            yield ok(check, say("the connection knows a secret"))
        else:
            step = say("put a long random text into `webhook_secrets`; Zoho CRM is told no more of it than a digest")
            yield warn(check, refusal_without_secret(), step)
        check = "zoho_crm.webhooks"
        if not delivery_url:
            step = say("set CROSSDOCK_PUBLIC_URL to the address under which Zoho CRM reaches Crossdock")
            yield warn(
                check, say("nobody can deliver: Crossdock has no public address, orders come by the pull only"), step
            )
            return
        try:
            ends = self._looks.ends_at(delivery_url)
        except ConnectorError as error:
            yield _refused(check, error)
            return
        if ends is None:
            step = say("repair it on the connection's page, or wait for the next check of the schedule")
            yield warn(check, say("there is no channel that delivers to us"), step)
            return
        yield ok(
            check, say("the channel delivers until %(ends)s, and is renewed before", ends=f"{ends:%Y-%m-%d %H:%M} UTC")
        )


def _lacks(module: str, missing: Sequence[str]) -> str:
    return say("%(module)s has no field %(missing)s", module=module, missing=", ".join(missing))


def _refused(check: str, error: ConnectorError) -> Finding:
    """The refusal, with what to do about it where we know."""
    return of_error(check, error, codes.advice(error))


def _tried(check: str, look: Callable[[], object], found: str) -> Finding:
    try:
        look()
    except RecordRejected as error:
        step = say("compare the options of the connection with the fields of the organisation")
        return fail(check, str(error), step)
    except ConnectorError as error:
        return _refused(check, error)
    return ok(check, found)


def _money(organisation: Organisation) -> Finding:
    check = "zoho_crm.money"
    if not organisation.currency:
        return unknown(check, say("the organisation does not say its currency"), say("set the option `currency`"))
    if organisation.currencies:
        return ok(check, say("%(currency)s, and each record may have its own", currency=organisation.currency))
    return ok(check, say("%(currency)s for all records", currency=organisation.currency))


def _credits(left: str) -> Finding:
    """Zoho says how many are left only once half of them are spent."""
    check = "zoho_crm.credits"
    if not left.isdecimal():
        return ok(check, say("Zoho CRM does not say how many are left, as long as more than half are"))
    text = say("%(left)s are left for the next hours", left=left)
    if int(left) >= _FEW_CREDITS:
        return ok(check, text)
    return warn(check, text, say("pull less often, or let Zoho CRM send its notifications; other apps spend them too"))


def _zone(name: str, zones: Mapping[str, str]) -> Finding:
    """Days are compared in the proof: an order just before midnight must not count on another day here."""
    check, now = "zoho_crm.timezone", dt.datetime.now(dt.UTC)
    try:
        offset = now.astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError):
        return unknown(check, say("the organisation does not say its time zone"), say("look at it in its settings"))
    others: Sequence[str] = [
        channel for channel in sorted(zones) if now.astimezone(ZoneInfo(zones[channel])).utcoffset() != offset
    ]
    if others:
        theirs = ", ".join(f"{channel}: {zones[channel]}" for channel in others)
        text = say(
            "the organisation counts its days in %(shown)s, the channel in another zone (%(theirs)s)",
            shown=name,
            theirs=theirs,
        )
        return warn(check, text, say("set `timezone` of the channel to %(shown)s", shown=name))
    return ok(check, say("both count in %(shown)s", shown=name))


def refusal_without_secret() -> str:
    """What is wrong where nothing could be told from forged deliveries."""
    return say("notifications would be refused: give `webhook_secrets`")
