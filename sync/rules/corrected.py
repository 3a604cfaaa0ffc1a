"""Reading an order with what people have corrected of it: the one place where a correction meets a mapping."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from mappings.base import JsonDict, SourceMapping, SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.profiles.source import proven
from sync.rules.corrections import Basis, Conflict, Correction, lay_over, read_correction
from sync.store.corrections import KeptCorrection, load_standing

#: What counts of one order, by what is corrected.
Standing = Mapping[Basis, Correction]
NONE: Standing = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Corrected:
    """An order as it counts."""

    order: Order
    #: The same before it was corrected itself, as the mapping made it.
    mapped: Order
    #: Corrections that the shop has overtaken; in these places the order is as the shop says.
    conflicts: tuple[Conflict, ...] = ()


def standing_of(kept: Mapping[str, KeptCorrection]) -> Standing:
    """As the store answers it for one item."""
    return {correction.basis: correction for correction in map(read_correction, kept.values())}


def load_standings(connection: Connection, item_ids: Sequence[int]) -> dict[int, Standing]:
    """Item -> what counts of it; only those of which anything is corrected."""
    return {item_id: standing_of(kept) for item_id, kept in load_standing(connection, item_ids).items()}


def corrected_payload(payload: JsonDict, standing: Standing) -> tuple[JsonDict, tuple[Conflict, ...]]:
    """The shop's document with what was corrected of it, and what does not hold any more."""
    return _over(payload, standing, Basis.SOURCE)


def corrected_order(order: Order, standing: Standing, options: SourceOptions) -> tuple[Order, tuple[Conflict, ...]]:
    """The order with what was corrected of it, its totals proven anew. Raises Problems."""
    if Basis.ORDER not in standing:
        return order, ()
    made, conflicts = _over(order_to_json(order), standing, Basis.ORDER)
    return proven(order_from_json(made), options), conflicts


def read_corrected(mapping: SourceMapping, payload: JsonDict, options: SourceOptions, standing: Standing) -> Corrected:
    """Map the shop's document, with all that was corrected. Raises Problems, overtaken corrections among them."""
    source, overtaken = corrected_payload(payload, standing)
    try:
        mapped = mapping.order(source, options)
        order, more = corrected_order(mapped, standing, options)
    except Problems as error:
        if not overtaken:
            raise
        raise Problems([*error.problems, *(conflict.problem for conflict in overtaken)]) from error
    return Corrected(order, mapped, (*overtaken, *more))


def _over(document: JsonDict, standing: Standing, basis: Basis) -> tuple[JsonDict, tuple[Conflict, ...]]:
    correction = standing.get(basis)
    if correction is None:
        return document, ()
    made: tuple[Any, tuple[Conflict, ...]] = lay_over(document, correction.changes)
    return made
