"""The canonical records as scopes of a profile: which fields rules write, and which are not theirs, with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from marshmallow import Schema

from mappings.canonical import schemas
from mappings.canonical.words import say
from mappings.profiles.fields import Fields

_SUMS: Final = {
    f"totals.{name}": say("it is the sum of its records, made by the proof of totals")
    for name in ("lines", "shipping", "fees", "rounding")
}
_BY_SCOPE: Final = {
    name: say("write it as a scope of its own, `%(name)s:` beside `order:`", name=name)
    for name in ("billing", "shipping", "lines", "shipping_lines", "fees", "tax_lines", "payments", "refunds")
}
_IDENTITY: Final = say("by it the order is known again: the base mapping decides")
#: What a profile over a base mapping leaves to it.
_OF_BASE: Final = {
    **dict.fromkeys(("external_id", "version", "placed_at", "placed_on", "updated_at", "source_state"), _IDENTITY),
    "currency": say("every amount of the order is in it: the base mapping decides"),
}
_SHOP_TOTALS: Final = {"shop_totals": say("a second set of amounts is a base mapping's")}


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of canonical record."""

    schema: Schema
    #: There are many of them in an order.
    many: bool
    #: Fields of a profile with `extends: none`, and of one over a base mapping.
    whole: Fields
    over_base: Fields

    def fields(self, *, whole: bool) -> Fields:
        """What rules write."""
        return self.whole if whole else self.over_base


def _kind(schema: Schema, refused: Mapping[str, str], over_base: Mapping[str, str], *, many: bool) -> Kind:
    return Kind(
        schema=schema,
        many=many,
        whole=Fields(schema, refused=refused),
        over_base=Fields(schema, refused={**refused, **over_base}),
    )


#: Scope -> its record. The order's own rules come first, then these in this order.
SCOPES: Final[Mapping[str, Kind]] = {
    "order": _kind(schemas.ORDER, {**_SUMS, **_BY_SCOPE, **_SHOP_TOTALS}, _OF_BASE, many=False),
    "billing": _kind(schemas.AddressSchema(), {}, {}, many=False),
    "shipping": _kind(schemas.AddressSchema(), {}, {}, many=False),
    **{
        name: _kind(schema, {}, {"external_id": _IDENTITY}, many=True)
        for name, schema in {
            "lines": schemas.OrderLineSchema(),
            "shipping_lines": schemas.ShippingLineSchema(),
            "fees": schemas.FeeSchema(),
            "tax_lines": schemas.TaxLineSchema(),
            "payments": schemas.PaymentSchema(),
            "refunds": schemas.RefundSchema(),
        }.items()
    },
}
#: The whole order, for what expressions read of it.
ORDER: Final = Fields(schemas.ORDER, refused={})

#: Scopes whose amounts the totals are proven with.
CHARGES: Final = ("lines", "shipping_lines", "fees")
