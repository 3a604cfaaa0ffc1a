"""The check-up of one channel: its policies, and a rehearsal of the shop's own orders against the ERP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final, cast

from config.model import Config, Mode
from connectors.kit.base import SendsOrders
from connectors.kit.errors import ConnectionBroken, ConnectorError
from connectors.kit.findings import N_, Finding, fail, of_error, ok, unknown, warn
from connectors.kit.preparing import NeedKind
from connectors.registry import UnknownSystem
from mappings.canonical.refs import Ref
from mappings.profiles import ProfileError
from sync.desk.doctor.preparing import crm_of, fields_finding, offers
from sync.desk.doctor.profile import profile_finding
from sync.desk.doctor.rehearsal import rehearse
from sync.desk.doctor.rounding import rounding_finding
from sync.desk.doctor.routing import routing_finding
from sync.desk.doctor.unmapped import unmapped_finding
from sync.desk.doctor.words import moment_shown
from sync.desk.phrases import Phrase, joined, say
from sync.rules.asking import only_sends
from sync.rules.lookups import NO_LOOKUPS, Lookups, load_lookups
from sync.rules.references import resolve
from sync.rules.routing import warehouse_refs
from sync.rules.state_words import state_words
from sync.rules.systems import ChannelSystems, SystemMissing, Systems
from sync.store.engine import Store
from sync.store.revisions import load_published

CHECKS: Final[Mapping[str, str]] = {
    "channel.start_at": N_("it imports from a day on that makes sense"),
    "channel.rules": N_("what protects the books is switched on"),
    "channel.profile": N_("the mapping profile that applies is the one that the configuration shows"),
    "channel.references": N_("the ERP knows everything that the policies name"),
    "channel.fields": N_("the systems have the fields that are written"),
    "channel.rounding": N_("differences of cents are carried, and mistakes are not"),
    "channel.states": N_("what the shop's orders become is said in its own words"),
    "channel.routing": N_("every warehouse that its rules name is there, and its stock is known"),
    "channel.rehearsal": N_("the shop's newest orders would go through"),
    "channel.unmapped": N_("every value of the last 90 days of orders is mapped"),
}
#: Rules without which a wrong sale is made in silence.
_GUARDS: Final = ("totals", "unknown_sku", "tax")
_SHOWN: Final = 5


class ChannelCheckup:
    """One channel."""

    def __init__(self, name: str, config: Config, patients: Systems, store: Store | None) -> None:
        """`store` is None while the database has no tables."""
        self._name, self._config, self._patients, self._store = name, config, patients, store

    def run(self) -> Iterator[Finding]:
        """Every check; only what needs no system where one of its two cannot be spoken to."""
        yield self._start_at()
        yield self._rules()
        yield self._states()
        yield profile_finding(self._config, self._name, self._store)
        try:
            systems = self._patients.channel(self._name)
            crm = crm_of(self._patients, self._name)
        except (ConnectionBroken, SystemMissing, UnknownSystem) as error:
            yield fail("channel.references", str(error), say("correct the connections of this channel"))
            return
        store = self._store
        published = None if store is None else store.read(lambda c: load_published(c, self._name))
        if published is not None:
            try:
                systems = systems.under(published)
            except ProfileError:
                return  # what cannot be read was told above
        lookups = NO_LOOKUPS if store is None else store.read(lambda c: load_lookups(c, systems.channel))
        yield _references(systems, lookups)
        yield fields_finding(systems, crm)
        yield rounding_finding(systems)
        yield routing_finding(systems, store)
        yield _rehearsal(systems, lookups)
        if store is not None:
            yield unmapped_finding(systems, store)

    def _start_at(self) -> Finding:
        check, start_at = "channel.start_at", self._config.channels[self._name].policies.start_at
        if start_at is None:
            return ok(check, say("from its first start on"))
        if start_at > dt.datetime.now(dt.UTC):
            where = self._config.where(f"channels.{self._name}.policies.start_at")
            return warn(
                check,
                say("not before %(start_at)s: until then every order is skipped", start_at=moment_shown(start_at)),
                where,
            )
        return ok(check, say("orders placed from %(start_at)s on", start_at=moment_shown(start_at)))

    def _rules(self) -> Finding:
        check, rules = "channel.rules", self._config.channels[self._name].policies.rules
        off = [rule for rule in _GUARDS if rules[rule] is Mode.OFF]
        if off:
            places = ", ".join(self._config.where(f"channels.{self._name}.policies.rules.{rule}") for rule in off)
            step = say("set them to `hold`, unless somebody else looks: %(places)s", places=places)
            return warn(
                check, say("%(off)s switched off: a wrong sale would be made in silence", off=", ".join(off)), step
            )
        warned = [rule for rule in _GUARDS if rules[rule] is Mode.WARN]
        return ok(
            check,
            say("%(warned)s only warn", warned=", ".join(warned))
            if warned
            else say("%(guards)s hold what is wrong", guards=", ".join(_GUARDS)),
        )

    def _states(self) -> Finding:
        back = self._config.channels[self._name].after_import.state_back
        if not back:
            return ok("channel.states", say("what becomes of a sale changes no state in the shop"))
        source = self._config.connections[self._config.channels[self._name].source]
        known = state_words(source.system, source.options).known
        if known is not None and (added := sorted({*back.values()} - {*known})):
            step = say("see that the shop has them, in just these letters: else each order that gets there stops")
            told = say("no word of %(system)s itself: %(words)s", system=source.system, words=", ".join(added))
            return warn("channel.states", told, step)
        words = ", ".join(f"{state}: {word}" for state, word in back.items())
        return ok("channel.states", say("a sale that is -> the order becomes: %(words)s", words=words))


def _references(systems: ChannelSystems, lookups: Lookups) -> Finding:
    check = "channel.references"
    mapping, options = systems.target_mapping, systems.target_options
    refs = mapping.standing(options) | warehouse_refs(systems.channel.routing, mapping, options)
    try:
        known = resolve(refs, lookups, systems.target)
    except ConnectorError as error:
        return of_error(check, error)
    missing: list[str] = sorted(_asked_for(ref) for ref in refs - known.keys())
    if missing:
        step = say("create them in the ERP, or name others in the channel's `policies.target`")
        if any(ref.kind == "product" for ref in refs - known.keys()) and offers(systems.target, NeedKind.PRODUCT):
            step = say(
                "have the products made (crossdock doctor --create %(channel)s), or create what is missing in the ERP, "
                "or name others in the channel's `policies.target`",
                channel=systems.channel.name,
            )
        return fail(check, say("the ERP does not know %(missing)s", missing=joined(", ", missing)), step)
    named = sorted(ref.value for ref in refs if ref.value)
    return ok(check, say("found: %(named)s", named=", ".join(named)) if named else say("nothing is named"))


def _rehearsed_by_hand(systems: ChannelSystems) -> Phrase:
    if cast("SendsOrders", systems.source).sends_by == "file":
        return say("rehearse with a file: crossdock import-csv %(name)s FILE --dry-run", name=systems.channel.source)
    return say(
        "let %(name)s send an order, and rehearse with it: crossdock order NUMBER --dry-run",
        name=systems.channel.source,
    )


def _asked_for(ref: Ref) -> str:
    """An account may be there, and be none on which a fee can stand."""
    if ref.kind == "account":
        return say("an open account of expenses %(code)s that asks for no party", code=ref.value)
    return f"{ref.kind} {ref.value or '(the default one)'}"


def _rehearsal(systems: ChannelSystems, lookups: Lookups) -> Finding:
    """The newest orders are read, mapped and resolved as a drain would do it; nothing is written anywhere."""
    check = "channel.rehearsal"
    if only_sends(systems.source):
        return unknown(check, say("the source cannot be asked for its orders"), _rehearsed_by_hand(systems))
    try:
        done = rehearse(systems, lookups)
    except ConnectorError as error:
        return of_error(check, error)
    if not done.orders:
        return unknown(check, say("the shop has no order of late that would be imported"))
    if not done.stopped:
        return ok(check, say("all of the newest %(orders)s orders would go through", orders=done.orders))
    most = done.causes.most_common(_SHOWN)
    told = joined("; ", (say("%(count)s x %(cause)s", count=count, cause=cause) for (cause, _), count in most))
    steps = dict.fromkeys(step for (_, step), _ in most if step)
    found = say(
        "%(stopped)s of the newest %(orders)s orders would be held: %(told)s",
        stopped=done.stopped,
        orders=done.orders,
        told=told,
    )
    return warn(check, found, joined("; ", steps))
