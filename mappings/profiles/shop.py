"""What a shop is told of an order, with what a profile adds to it.

By its key each document of ours is found again in the shop, so rules add beside it: an entry under another key, a flag.
What a rule has written is looked at by the mapping's own reader of keys before it goes anywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from mappings.base import JsonDict, Lookup, NoLookup
from mappings.canonical.errors import MappingError
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.facets import Billed, Sent, ShopFacets
from mappings.profiles.canonical import SCOPES
from mappings.profiles.drafts import NewDraft
from mappings.profiles.engine import Work, apply_rules
from mappings.profiles.model import Profile
from mappings.profiles.views import View, read_of

_META: Final = "meta_data"


def profiled_shop(base: ShopFacets, profile: Profile, system: str, lookup: Lookup | None = None) -> ShopFacets:
    """The facets of a shop with what the profile's section `shop.<system>` says; the base where it has none.

    `lookup` answers the rules' look-ups: what is sent to a shop has no options of its own.
    """
    if not profile.shop.get(system):
        return base
    program = _ShopProgram(profile, system, lookup or NoLookup())

    def fulfilment(sent: Sent) -> JsonDict:
        assert base.fulfilment is not None
        return _kept(
            base.fulfilment(sent),
            base.fulfilment_key,
            lambda made: program.added("fulfilment", made, sent.order, shipment=_shipment(sent)),
        )

    def shipment_note(sent: Sent) -> JsonDict:
        assert base.shipment_note is not None
        return _kept(
            base.shipment_note(sent),
            base.note_key,
            lambda made: program.added("shipment_note", made, sent.order, shipment=_shipment(sent)),
        )

    def shipment_marks(parcels: Sequence[Sent], payload: JsonDict) -> JsonDict:
        order = parcels[0].order if parcels else None
        return program.added("shipment_marks", base.shipment_marks(parcels, payload), order)

    def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:
        order = invoices[0].order if invoices else None
        return program.added("invoice_marks", base.invoice_marks(invoices, payload), order)

    return dataclasses.replace(
        base,
        fulfilment=None if base.fulfilment is None else fulfilment,
        shipment_note=None if base.shipment_note is None else shipment_note,
        shipment_marks=shipment_marks,
        invoice_marks=invoice_marks,
        state=lambda word: program.added("state", base.state(word)),
    )


class _ShopProgram:
    def __init__(self, profile: Profile, system: str, lookup: Lookup) -> None:
        self._scopes, self._lookup = profile.shop[system], lookup
        self._order = View(SCOPES["order"].schema, read_of("order", self._scopes.values()))

    def added(self, name: str, payload: JsonDict, order: Order | None = None, **known: Any) -> JsonDict:
        """The payload with what the rules of a scope say of the order, and of what else is known. Raises Problems."""
        scope = self._scopes.get(name)
        if scope is None or not payload:
            return payload
        draft, work = NewDraft(), Work(self._lookup)
        roots = {"order": order and self._order(order, order.currency), **known, "payload": payload}
        apply_rules(scope.rules, roots, draft, work, name)
        work.raise_problems()
        entries = draft.view.pop(_META, {})
        made = {**payload, **draft.view}
        if entries:
            made[_META] = [*made.get(_META, ()), *({"key": key, "value": value} for key, value in entries.items())]
        return made


def _kept(payload: JsonDict, key_of: Callable[[JsonDict], str], change: Callable[[JsonDict], JsonDict]) -> JsonDict:
    changed = change(payload)
    if key_of(changed) != key_of(payload):
        raise MappingError("", say("a rule of the profile has hidden the key by which the document is found again"))
    return changed


def _shipment(sent: Sent) -> dict[str, Any]:
    shipment = sent.shipment
    return {
        "number": shipment.number,
        "carrier": sent.carrier,
        "sent_on": shipment.sent_on.isoformat() if shipment.sent_on else None,
        "tracking_url": sent.tracking_url,
        "parcels": [
            {"tracking_number": parcel.tracking_number, "tracking_url": parcel.tracking_url}
            for parcel in shipment.parcels
        ],
    }
