"""Money that the shop gives back because of the ERP: what was returned there, or what nobody can send. Once each.

The shop takes the same refund twice, so our key stands in its reason: after a doubt it is looked for, and where it is
not found a person decides.
"""

from __future__ import annotations

import dataclasses
from typing import Final, cast

from config.model import Returns
from connectors.kit.base import JsonDict
from connectors.kit.facets import DetailsRefunds, MakesRefunds
from mappings.canonical.facets import OrderRefund
from mappings.canonical.money import Money
from mappings.canonical.words import say
from mappings.facets import ShopFacets, TakenBack
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, carry_out
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.rules.shortage import MARK
from sync.store.documents import Seen

#: The kind of the intents.
RETURN: Final = "return"


def can_give_back(drain: Drain) -> bool:
    """Whether the shop makes refunds, and its mapping says how."""
    facets = drain.systems.shop_facets
    can = isinstance(drain.systems.source, MakesRefunds) and facets is not None and facets.give_back is not None
    return can and drain.systems.shop_side is not None


def read_refunds(drain: Drain, piece: Piece) -> list[OrderRefund]:
    """All refunds of the piece's order, as the shop has them now. Raises Problems, and what the connector raises."""
    order = piece.order
    assert order is not None
    shop = cast("DetailsRefunds", drain.systems.source)
    piece.owner.speaks_to = drain.systems.channel.source
    rows = shop.fetch_refunds(order.external_id)
    drain.progress()
    return [refund for row in rows if (refund := _understood(drain, piece, row)) is not None]


def _understood(drain: Drain, piece: Piece, row: JsonDict) -> OrderRefund | None:
    # The shop knows the whole order alone.
    order, facets = piece.owner.order, _facets(drain)
    assert order is not None
    assert facets.refund is not None
    refund = facets.refund(row, order, drain.source_options)
    if refund is None or not facets.refund_mark(row).startswith(MARK):
        return refund
    # Of what is not sent for want of it the shop takes nothing into its stock; in the ERP it must not leave.
    return dataclasses.replace(refund, restock=True)


def _made(drain: Drain, piece: Piece, row: JsonDict) -> OrderRefund:
    """A refund that we made: it has money, so it is one."""
    refund = _understood(drain, piece, row)
    assert refund is not None
    return refund


def _facets(drain: Drain) -> ShopFacets:
    facets = drain.systems.shop_facets
    assert facets is not None
    return facets


def key_of(piece: Piece, mark: str) -> str:
    """The key of the intents of a refund that bears this mark."""
    return f"{piece.item.external_id}:{mark}"


def make_refund(drain: Drain, piece: Piece, taken: TakenBack) -> Seen:
    """The shop's refund, found by its mark or made; its id is the mark where a person says that it was made.

    Raises what `carry_out` raises: RecordRejected where the shop refuses.
    """
    facets, side, order_id = _facets(drain), drain.systems.shop_side, piece.item.external_id
    assert facets.give_back is not None
    assert side is not None
    payload = facets.give_back(taken)

    def find() -> Seen | None:
        rows = cast("DetailsRefunds", drain.systems.source).fetch_refunds(order_id)
        found = next((row for row in rows if facets.refund_mark(row) == taken.key), None)
        return None if found is None else row_of(drain, piece, _made(drain, piece, found))

    def send() -> Seen:
        made = cast("MakesRefunds", drain.systems.source).create_refund(order_id, payload)
        return row_of(drain, piece, _made(drain, piece, made))

    return carry_out(
        drain,
        piece,
        Effect(
            kind=RETURN,
            key=key_of(piece, taken.key),
            side=side,
            name=say("the refund of %(amount)s in the shop", amount=taken.amount),
            find=find,
            send=send,
            once=True,
            mail=False,
            assumed=_assumed(drain, piece, taken),
        ),
    )


def _assumed(drain: Drain, piece: Piece, taken: TakenBack) -> Seen:
    record = {"key": taken.key, "number": taken.number}
    source = drain.systems.channel.source
    return seen(drain, piece, "refund", taken.key, record, at=source, key=taken.key, total=taken.amount)


def taken_back(drain: Drain, amount: Money, key: str, *, number: str = "") -> TakenBack:
    """Paid out by the gateway where the channel says so."""
    payout = drain.systems.channel.after_import.returns is Returns.PAYOUT
    return TakenBack(amount=amount, number=number, key=key, payout=payout)


def row_of(drain: Drain, piece: Piece, refund: OrderRefund) -> Seen:
    """The row of one refund of the shop."""
    return seen(
        drain,
        piece,
        "refund",
        refund.external_id,
        refund,
        at=drain.systems.channel.source,
        number=refund.external_id,
        state="refunded",
        total=refund.amount,
        dated_on=refund.refunded_at.date(),
    )
