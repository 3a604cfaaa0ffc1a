"""What a channel presumes of its systems beside orders: fields, products for services. What is lacking can be made.

Presumed is what the mapping profile writes into the ERP's documents, what the connectors write by themselves, and the
service products that the channel's policies name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

from connectors.kit.errors import ConnectorError, OutcomeUnknown
from connectors.kit.findings import Finding, of_error, ok, unknown, warn
from connectors.kit.preparing import Need, NeedKind, Prepares
from connectors.registry import has
from sync.desk.phrases import joined, say
from sync.rules.lookups import NO_LOOKUPS, load_lookups
from sync.rules.references import resolve
from sync.rules.systems import ChannelSystems, Systems
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store

CHECK: Final = "channel.fields"
#: Scopes of a profile whose rules write fields of the ERP; the others choose settings.
_SCOPES: Final = ("order", "lines", "party")


@dataclasses.dataclass(frozen=True, slots=True)
class Lack:
    """Something that a channel presumes and that is not there."""

    connection: str
    need: Need
    #: Whether we can make it; else it is work for who runs the system.
    makes: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """What came of making one."""

    lack: Lack
    #: None: it is there.
    error: ConnectorError | None


def crm_of(systems: Systems, channel: str) -> Any:
    """The connector of the channel's CRM; None where it has none. Raises ConnectionBroken, UnknownSystem."""
    name = systems.config.channels[channel].crm.connection
    return systems.connector(name) if name else None


def offers(connector: Any, kind: NeedKind) -> bool:
    """Whether this system lets us make such a thing."""
    return has(connector, Prepares) and kind in connector.makes


def fields_finding(systems: ChannelSystems, crm: Any = None) -> Finding:
    """The fields alone; products have a check of their own, with what else the policies name.

    `crm` is the connector of the channel's CRM, if it has one; so in all of this module.
    """
    written = list(_written(systems, crm))
    unseen = [need for name, side, need in written if not has(side, Prepares)]
    if unseen:
        return unknown(
            CHECK,
            say("this connector cannot say which fields there are: %(names)s", names=", ".join(map(str, unseen))),
        )
    try:
        lacks = _lacking_fields(written)
    except ConnectorError as error:
        return of_error(CHECK, error)
    if not written:
        return ok(CHECK, say("none but the systems' own are written"))
    if not lacks:
        return ok(CHECK, say("found: %(named)s", named=", ".join(str(need) for _, _, need in written)))
    shown = joined(
        "; ",
        (
            say("%(connection)s has no field %(field)s", connection=lack.connection, field=str(lack.need))
            for lack in lacks
        ),
    )
    if any(lack.makes for lack in lacks):
        step = say("have them made: crossdock doctor --create %(channel)s", channel=systems.channel.name)
    else:
        step = say("have them made by who runs the system, or take them out of the mapping profile")
    return warn(CHECK, shown, step)


def lacking(store: Store, systems: ChannelSystems, crm: Any = None) -> list[Lack]:
    """All that is lacking, fields and products. Raises Transient, ConnectionBroken."""
    return [
        *_lacking_fields([each for each in _written(systems, crm) if has(each[1], Prepares)]),
        *_lacking_products(store, systems),
    ]


def make(store: Store, systems: ChannelSystems, lacks: Sequence[Lack], actor: Actor, crm: Any = None) -> Iterator[Made]:
    """Make each of them; one that is refused hinders no other. What was written is in the audit log."""
    sides = {name: connector for name, connector, _ in _sides(systems, crm)}
    for lack in lacks:
        _note(store, actor, lack)
        try:
            sides[lack.connection].prepare(lack.need)
        except ConnectorError as error:
            yield Made(lack, error)
        else:
            yield Made(lack, None)


def is_open(made: Made) -> bool:
    """Whether it may be there all the same: the next look says."""
    return isinstance(made.error, OutcomeUnknown)


def _note(store: Store, actor: Actor, lack: Lack) -> None:
    """Before the call: whatever becomes of it, it is written down who wanted it."""
    what = f"{lack.need.kind} {lack.need}"
    store.write(lambda c: record_audit(c, actor, "create", f"connection:{lack.connection}", after=what))


def _sides(systems: ChannelSystems, crm: Any) -> Iterator[tuple[str, Any, str]]:
    """(connection, connector, of what it is told by us)."""
    channel = systems.channel
    yield channel.erp, systems.target, ""
    yield channel.source, systems.source, "order"
    if crm is not None:
        yield channel.crm.connection, crm, "party"


def _written(systems: ChannelSystems, crm: Any) -> Iterator[tuple[str, Any, Need]]:
    """(connection, connector, field) of all that is written beside the systems' own."""
    scopes = {} if systems.profile is None else systems.profile.erp.get(systems.erp_system, {})
    seen = set()
    for name in _SCOPES:
        for rule in scopes[name].rules if name in scopes else ():
            need = Need(kind=NeedKind.FIELD, of=name, name=rule.field.names[0], holds=rule.written_as or "text")
            if (need.of, need.name) not in seen:
                seen.add((need.of, need.name))
                yield systems.channel.erp, systems.target, need
    for name, connector, of in _sides(systems, crm):
        if has(connector, Prepares):
            yield from ((name, connector, need) for need in connector.presumed if need.of == of)


def _lacking_fields(written: Sequence[tuple[str, Any, Need]]) -> list[Lack]:
    by_side: dict[str, tuple[Any, list[Need]]] = {}
    for name, connector, need in written:
        by_side.setdefault(name, (connector, []))[1].append(need)
    return [
        Lack(name, need, offers(connector, need.kind))
        for name, (connector, needs) in by_side.items()
        for need in connector.lacking(needs)
    ]


def _lacking_products(store: Store, systems: ChannelSystems) -> list[Lack]:
    """Articles that the policies name, as a look-up row may translate them."""
    refs = {ref for ref in systems.target_mapping.standing(systems.target_options) if ref.kind == "product"}
    lookups = store.read(lambda c: load_lookups(c, systems.channel)) if refs else NO_LOOKUPS
    known = resolve(refs, lookups, systems.target)
    codes = sorted(lookups.text("sku", ref.value, ref.value) for ref in refs - known.keys())
    return [
        Lack(systems.channel.erp, Need(kind=NeedKind.PRODUCT, name=code), offers(systems.target, NeedKind.PRODUCT))
        for code in codes
    ]
