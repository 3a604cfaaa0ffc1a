"""Refunds of the shop: each becomes one document in the ERP, tied to its sale, to the cent.

The refund's id is in the key that the creating call writes, so that however often it is tried there is one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from config.model import Depth
from connectors.kit.base import Rank, Result, TargetDocument
from connectors.kit.errors import AlreadyExists
from connectors.kit.facets import DetailsRefunds, RefundsSales
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem
from mappings.canonical.facets import OrderRefund, SaleState, StandingRefund
from mappings.canonical.money import money_sum
from mappings.canonical.parts import divide_refund
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets import giving, returns, shortage, unsent
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.survey import resurvey, seen
from sync.flows.piece import Piece
from sync.rules.stops import Held
from sync.store.accepted import BEFORE_LINK
from sync.store.documents import Seen


@dataclasses.dataclass(frozen=True, slots=True)
class _Missing:
    """A refund that the ERP does not have yet, or not as far as it is to be brought."""

    refund: OrderRefund
    key: str
    origin: Origin
    standing: StandingRefund | None


def wanted(drain: Drain) -> bool:
    """Whether this channel carries refunds over, and both systems can."""
    return (
        drain.systems.channel.after_import.refunds is not Depth.NONE
        and drain.systems.shop_facets is not None
        and isinstance(drain.systems.source, DetailsRefunds)
        and isinstance(drain.target, RefundsSales)
    )


def carry(drain: Drain, piece: Piece) -> bool:
    """Make what is missing; answers whether anything was written to the ERP.

    What was given back before the order was linked with a sale that was there is left to whoever made that sale. What
    the ERP's people gave back is seen to when everything of the shop stands. Raises Problems, Held, and what
    `carry_out` raises.
    """
    order = piece.order
    if order is None or not wanted(drain):
        return False
    units = [unit for unit in piece.units if unit.standing is not None]
    before = {
        doc.external_id: Origin(doc.id, doc.digest)
        for doc in piece.documents
        if doc.kind == "refund" and doc.state == BEFORE_LINK
    }
    known = before.keys() >= {refund.external_id for refund in order.refunds}
    if known and not piece.given_up and not any(returns.made_there(drain, unit) for unit in units):
        return False
    everything = giving.read_refunds(drain, piece)
    everything, told = shortage.give_back(drain, piece, everything)
    new = _remember(drain, piece, [refund for refund in everything if refund.external_id not in before])
    _demand_plausible(piece, [refund for refund in everything if refund.external_id in new])
    shares = shared_out(drain, piece, everything)
    written = False
    # One after the other: how a refund is divided never changes but from an earlier part on, and that one stops it.
    for unit in units:
        paired = returns.pair(drain, unit, shares[unit.part], {**before, **new})
        written |= _carry_one(drain, unit, [each for each in shares[unit.part] if each.external_id in new], new, paired)
        told += [*unsent.hold_back(drain, unit), *returns.settle(drain, unit, paired)]
    if told:
        raise Held(told)
    return written


def _carry_one(
    drain: Drain,
    piece: Piece,
    refunds: Sequence[OrderRefund],
    origins: Mapping[str, Origin],
    paired: Mapping[str, StandingRefund],
) -> bool:
    """What is missing on one sale; answers whether anything was written."""
    missing = [entry for refund in refunds if (entry := _missing(drain, piece, refund, origins, paired))]
    for entry in missing:
        _make(drain, piece, entry)
    if any(entry.refund.restock for entry in missing):
        resurvey(drain, piece)
    return bool(missing)


def _remember(drain: Drain, piece: Piece, refunds: Sequence[OrderRefund]) -> dict[str, Origin]:
    shop, rows = drain.systems.channel.source, [giving.row_of(drain, piece, refund) for refund in refunds]
    ids = drain.keep_seen(rows)
    return {
        row.external_id: Origin(
            ids[shop, "refund", row.external_id],
            row.digest,
            frozenset(_key(drain, unit, row.external_id) for unit in piece.parts),
        )
        for row in rows
    }


def _key(drain: Drain, piece: Piece, refund_id: str) -> str:
    facets, order = drain.systems.erp_facets, piece.order
    assert facets is not None
    assert order is not None
    return facets.refund_key(order.external_id, refund_id, drain.systems.target_options)


def shared_out(drain: Drain, piece: Piece, refunds: Sequence[OrderRefund]) -> list[list[OrderRefund]]:
    """What of each refund belongs to which sale of the order; all of it to the one of an order that is not divided.

    One over exactly what the ERP's people have credited on a sale is that sale's, unless ours was made already.
    """
    if not piece.parts:
        return [list(refunds)]
    orders = [part.order for part in piece.parts if part.order is not None]
    free = {part.part: returns.made_there(drain, part) for part in piece.parts}
    shares: list[list[OrderRefund]] = [[] for _ in piece.parts]
    for refund in refunds:
        digits = minor_unit(refund.amount.currency, drain.systems.target_options.minor_units)
        whole = (
            None if any(returns.has_own(drain, part, refund) for part in piece.parts) else _twin(drain, refund, free)
        )
        for share, each in zip(shares, divide_refund(refund, orders, digits, whole=whole), strict=True):
            share.extend(() if each is None else (each,))
    return shares


def _twin(drain: Drain, refund: OrderRefund, free: Mapping[int, list[StandingRefund]]) -> int | None:
    """The part on which the ERP's people have credited exactly this; each such credit answers for one refund."""
    amount = drain.systems.target_options.rounded(refund.amount)
    for index, made in free.items():
        for credit in made:
            if -credit.total.amount == amount:
                made.remove(credit)
                return index
    return None


def _demand_plausible(piece: Piece, refunds: Sequence[OrderRefund]) -> None:
    """More is never given back than was charged, whatever the shop lets people enter."""
    order = piece.order
    assert order is not None
    total = money_sum((refund.amount for refund in refunds), order.currency)
    if total.amount <= order.totals.grand.amount or "refund_exceeds_order" in piece.approved:
        return
    raise Held(
        [
            Problem(
                cause="refund_exceeds_order",
                path="refunds",
                reason=say(
                    "%(refunded)s were refunded in all, the shop charged %(charged)s",
                    refunded=total,
                    charged=order.totals.grand,
                ),
                next_step=say("compare the refunds with the order in the shop; approve if that is right"),
            )
        ]
    )


def _missing(
    drain: Drain,
    piece: Piece,
    refund: OrderRefund,
    origins: Mapping[str, Origin],
    paired: Mapping[str, StandingRefund],
) -> _Missing | None:
    order, facets, standing = piece.order, drain.systems.erp_facets, piece.standing
    assert order is not None
    assert facets is not None
    assert standing is not None
    if refund.external_id in paired:
        # Made by the ERP's people, and brought on by them.
        _compare(drain, piece, refund, paired[refund.external_id])
        return None
    key = _key(drain, piece, refund.external_id)
    there = next((each for each in standing.refunds if each.key == key), None)
    if there is not None and there.state is SaleState.CANCELLED:
        if "refund_gone_in_erp" in piece.approved:
            return None
        raise Held([_gone(refund, there)])
    if there is not None:
        _compare(drain, piece, refund, there)
        if there.state not in {SaleState.DRAFT, SaleState.QUOTED}:
            return None
    return _Missing(refund, key, origins[refund.external_id], there)


def _gone(refund: OrderRefund, there: StandingRefund) -> Problem:
    return Problem(
        cause="refund_gone_in_erp",
        path="refunds",
        reason=say(
            "%(document)s of refund %(refund)s was cancelled in the ERP",
            document=there.number or there.external_id,
            refund=refund.external_id,
        ),
        next_step=say("make the credit note in the ERP by hand, then approve"),
    )


def _compare(drain: Drain, piece: Piece, refund: OrderRefund, there: StandingRefund) -> None:
    """Sums tie to the cent, or a person is told."""
    expected = drain.systems.target_options.rounded(refund.amount)
    if -there.total.amount == expected or "refund_amount" in piece.approved:
        return
    shown = -there.total
    raise Held([_other_amount(there.number or there.external_id, shown.amount, expected, refund)])


def _make(drain: Drain, piece: Piece, entry: _Missing) -> None:
    erp = cast("RefundsSales", drain.target)

    def standing() -> TargetDocument | None:
        found = [each for each in erp.find_refunds([entry.key]).get(entry.key, []) if each.rank is not Rank.CANCELLED]
        return found[0] if found else None

    def find() -> Seen | None:
        document = standing()
        # Found as a draft it still has to be brought on; that is safe to repeat under one intent after the other.
        return None if document is None or document.rank < drain.wanted_rank else _row(drain, piece, entry, document)

    def send() -> Seen:
        document = standing() if entry.standing is not None or piece.open else None
        if document is None:
            [result] = erp.create_refunds([_payload(drain, piece, entry)])
            # Our key is taken: by an earlier write of ours. What stands there is the refund.
            taken = standing() if isinstance(result.error, AlreadyExists) else None
            document = taken or _document(result)
        if document.rank < drain.wanted_rank:
            [result] = erp.advance_refunds([document], drain.wanted_rank)
            document = _document(result)
        return _row(drain, piece, entry, document)

    made = carry_out(
        drain,
        piece,
        Effect(
            kind="refund",
            key=entry.key,
            side=drain.systems.erp_side,
            name=say("the credit of refund %(refund)s", refund=entry.refund.external_id),
            find=find,
            send=send,
            origin=entry.origin,
        ),
    )
    expected = drain.systems.target_options.rounded(entry.refund.amount)
    if Decimal(made.total).copy_abs() != expected:
        shown = Decimal(made.total).copy_abs()
        raise Held([_other_amount(made.number or made.external_id, shown, expected, entry.refund)])


def _other_amount(document: str, shown: Decimal, expected: Decimal, refund: OrderRefund) -> Problem:
    return Problem(
        cause="refund_amount",
        path="refunds",
        reason=say(
            "the ERP's %(document)s gives back %(shown)s %(currency)s, the shop gave back %(expected)s for refund "
            "%(refund)s",
            document=document,
            shown=f"{shown:f}",
            currency=refund.amount.currency,
            expected=f"{expected:f}",
            refund=refund.external_id,
        ),
        next_step=say("correct the document in the ERP, then retry; it is linked and is not made again"),
    )


def _payload(drain: Drain, piece: Piece, entry: _Missing) -> dict[str, object]:
    order, facets = piece.order, drain.systems.erp_facets
    assert order is not None
    assert facets is not None
    assert piece.surveyed is not None
    options = drain.systems.target_options
    resolved = drain.resolve(facets.refund_references(order, entry.refund, options))
    return facets.refund(order, entry.refund, piece.surveyed, resolved, options)


def _document(result: Result) -> TargetDocument:
    if result.error is not None:
        raise result.error
    assert result.document is not None
    return result.document


def _row(drain: Drain, piece: Piece, entry: _Missing, document: TargetDocument) -> Seen:
    record = {"key": entry.key, "number": document.number, "state": document.state, "total": f"{document.total:f}"}
    state = document.state[:32]
    row = seen(drain, piece, "refund", document.external_id, record, key=entry.key, number=document.number, state=state)
    return row.with_total(f"{document.total:f}", document.currency)
