"""What a mapping is: its options, and its functions as one value; `mappings.registry` says which system has which."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol

from mappings.canonical.currencies import minor_unit
from mappings.canonical.money import Money
from mappings.canonical.records import Order, OrderState
from mappings.canonical.refs import Ref

JsonDict = dict[str, Any]

#: Nothing is known that a condition of a look-up row could ask for.
NO_FACTS: Final[Mapping[str, Any]] = MappingProxyType({})


class Lookup(Protocol):
    """The look-up tables of a channel, as mapping profiles ask them."""

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> str | None:
        """What the row for `value` says; None where there is none. `facts` are what conditions of rows ask for."""
        ...


class NoLookup:
    """No tables at all: every value is unmapped."""

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> str | None:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What a channel says about reading its source."""

    #: Units of the last decimal that the shop writes that may be carried as rounding.
    totals_threshold: int = 5
    #: A state that this shop has added (`partially-shipped`) -> what it means; the usual ones need no entry.
    order_states: Mapping[str, OrderState] = dataclasses.field(default_factory=dict)
    #: Refunded pieces come back into stock, where the shop itself does not say whether they do.
    refunds_restock: bool = True
    #: What a profile's look-ups are answered by.
    lookup: Lookup = dataclasses.field(default_factory=NoLookup)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """What a channel says about writing to its target."""

    #: The channel's name, for keys and notes.
    channel: str
    #: Currency -> decimals to which the target rounds.
    minor_units: Mapping[str, int] = dataclasses.field(default_factory=dict)
    totals_threshold: int = 5
    #: An e-mail address is enough to know a customer by, whatever company the order names.
    trust_email: bool = False
    #: The policy's `target` section, e.g. Tryton `shipping_product`, `rounding_product`, `warehouse`.
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    #: What a profile's look-ups are answered by.
    lookup: Lookup = dataclasses.field(default_factory=NoLookup)

    def rounded(self, amount: Money) -> Decimal:
        """The amount as the target must show it, rounded to its unit of the currency."""
        return amount.quantized(minor_unit(amount.currency, self.minor_units)).amount


#: Ref -> what the target knows under it: JSON with at least `id`.
Resolved = Mapping[Ref, JsonDict]


@dataclasses.dataclass(frozen=True, slots=True)
class SourceMapping:
    """From a system's JSON to our canonical records."""

    #: Raised by hand when the meaning changes; part of the canonical hash, so that open documents are looked at again.
    version: str
    #: Raises Problems (all of them at once).
    order: Callable[[JsonDict, SourceOptions], Order]


@dataclasses.dataclass(frozen=True, slots=True)
class TargetMapping:
    """From our canonical records to a system's JSON; pure, in two steps around the resolving of references."""

    version: str
    #: The idempotency key of an order's sale in the target, from the order's external id.
    sale_key: Callable[[str, TargetOptions], str]
    #: Everything that the payload needs to know from the target.
    references: Callable[[Order, TargetOptions], frozenset[Ref]]
    #: The write that is still missing for the order's party; None when nothing is.
    party: Callable[[Order, Resolved, TargetOptions], JsonDict | None]
    #: The payload that creates the sale. Raises Problems.
    sale: Callable[[Order, Resolved, TargetOptions], JsonDict]
    #: Stand-ins for what the target would answer, so that a payload can be shown without asking it; None where
    #: `offline_references` will do.
    offline: Callable[[Order, TargetOptions], Resolved] | None = None
    #: What the target would know of the party once `party` was written, so that a dry run can go on to the sale; None
    #: where a sale needs nothing of it but its id.
    made_party: Callable[[Order, Resolved, TargetOptions], JsonDict] | None = None

    #: What every order of a channel may need, whatever it holds: service products, the warehouse, the terms.
    standing: Callable[[TargetOptions], frozenset[Ref]] = lambda _: frozenset()

    def offline_references(self, order: Order, options: TargetOptions) -> Resolved:
        """Every ref of the order with an id that says what it stands for: `<product:SKU-1>`."""
        if self.offline is not None:
            return self.offline(order, options)
        return {ref: {"id": f"<{ref.kind}:{ref.value}>"} for ref in self.references(order, options)}

    def party_made(self, order: Order, ref: Ref, resolved: Resolved, options: TargetOptions) -> JsonDict:
        """The party as it would be, with an id that says what it stands for where there is none yet."""
        if self.made_party is not None:
            return self.made_party(order, resolved, options)
        return {"id": f"<{ref.kind}:{ref.value}>"}
