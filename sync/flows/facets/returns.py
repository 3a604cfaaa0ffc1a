"""Credits that the ERP's people made: a return, a correction. What the shop gave back for one is paired with it.

Money leaves one of both systems by people's hands, so the other one must hear of it once: a credit and a refund of the
same order over the same amount are the same, whoever was first. What is left over a person is told of; only a channel
that says so has the shop give money back by itself (`after_import.returns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config.model import Returns
from mappings.canonical.errors import Problem
from mappings.canonical.facets import OrderRefund, SaleState, StandingRefund
from mappings.canonical.words import joined, say
from sync.flows.context import Drain
from sync.flows.facets import giving
from sync.flows.facets.effects import Origin, doubts_of
from sync.flows.piece import Piece
from sync.store.documents import Document
from sync.store.refunds import link_made

_BEGUN = {SaleState.DRAFT, SaleState.QUOTED}


def made_there(drain: Drain, piece: Piece) -> list[StandingRefund]:
    """The living credits of the sale that bear no key of ours."""
    facets, order, standing = drain.systems.erp_facets, piece.order, piece.standing
    assert facets is not None
    if order is None or standing is None:
        return []
    ours = facets.refund_key(order.external_id, "", drain.systems.target_options)
    return [
        each for each in standing.refunds if each.state is not SaleState.CANCELLED and not each.key.startswith(ours)
    ]


def pair(
    drain: Drain, piece: Piece, refunds: Sequence[OrderRefund], origins: Mapping[str, Origin]
) -> dict[str, StandingRefund]:
    """Refund id -> the credit that the ERP's people made for it; what is paired stays so, whatever becomes of it.

    A refund that has a credit under its own key needs none, and neither does one whose credit may still land.
    """
    documents, of_shop = _credits(drain, piece), drain.systems.channel.source
    known = {
        each.external_id: each.id for each in piece.documents if (each.kind, each.connection) == ("refund", of_shop)
    }
    by_origin = {known.get(name, origin.document_id): name for name, origin in origins.items()}
    paired: dict[str, StandingRefund] = {}
    free: list[StandingRefund] = []
    for credit in made_there(drain, piece):
        made_from = documents[credit.external_id].made_from if credit.external_id in documents else None
        if made_from in by_origin:
            paired[by_origin[made_from]] = credit
        elif made_from is None:
            free.append(credit)
    for refund in refunds:
        if refund.external_id in paired or has_own(drain, piece, refund):
            continue
        amount = drain.systems.target_options.rounded(refund.amount)
        twin = next((credit for credit in free if -credit.total.amount == amount), None)
        if twin is not None and twin.external_id in documents:
            free.remove(twin)
            paired[refund.external_id] = twin
            _link(drain, piece, documents[twin.external_id], origins[refund.external_id])
    return paired


def _credits(drain: Drain, piece: Piece) -> dict[str, Document]:
    erp = drain.lease.connection
    return {each.external_id: each for each in piece.documents if each.kind == "refund" and each.connection == erp}


def has_own(drain: Drain, piece: Piece, refund: OrderRefund) -> bool:
    """Whether a credit of ours stands for a refund on the piece's sale, or may still land there."""
    facets, order, standing = drain.systems.erp_facets, piece.order, piece.standing
    assert facets is not None
    if order is None or standing is None:
        return False
    key = facets.refund_key(order.external_id, refund.external_id, drain.systems.target_options)
    living = any(each.key == key and each.state is not SaleState.CANCELLED for each in standing.refunds)
    return living or bool(doubts_of(piece, "refund", key))


def _link(drain: Drain, piece: Piece, credit: Document, origin: Origin) -> None:
    assert piece.order_id is not None
    order_id = piece.order_id
    drain.write(lambda c: link_made(c, credit.id, order_id, origin.document_id, origin.digest))


def settle(drain: Drain, piece: Piece, paired: Mapping[str, StandingRefund]) -> list[Problem]:
    """See to what no refund of the shop explains; answers what is left to a person. Raises what `carry_out` raises."""
    policy = drain.systems.channel.after_import.returns
    if policy is Returns.NONE:
        return []
    documents, done = _credits(drain, piece), {each.external_id for each in paired.values()}
    left = [
        each
        for each in made_there(drain, piece)
        # One that is only begun may become anything; one that a person has seen to needs nothing more.
        if each.external_id not in done
        and each.state not in _BEGUN
        and each.total.amount < 0
        and (each.external_id not in documents or documents[each.external_id].settled_at is None)
    ]
    if left and (policy is Returns.TELL or not giving.can_give_back(drain)):
        return [_problem(each) for each in left]
    for credit in left:
        _give_back(drain, piece, credit, documents[credit.external_id])
    return []


def _problem(credit: StandingRefund) -> Problem:
    lines = [f"{line.quantity.copy_abs().normalize():f} x {line.code or line.title}" for line in credit.lines]
    return Problem(
        cause="returned_in_erp",
        path="refunds",
        reason=say(
            "%(document)s was made in the ERP and gives back %(amount)s (%(lines)s); the shop has given back nothing "
            "for it",
            document=credit.number or credit.external_id,
            amount=-credit.total,
            lines=joined(", ", lines),
        ),
        next_step=say(
            "refund the same amount in the shop, and it is paired with the ERP's document; approve if the customer got "
            "the money in another way"
        ),
    )


# --- the shop gives it back -------------------------------------------------------------------------------------


def _give_back(drain: Drain, piece: Piece, credit: StandingRefund, document: Document) -> None:
    key = f"return-{credit.external_id}"
    made = giving.make_refund(drain, piece, giving.taken_back(drain, -credit.total, key, number=credit.number))
    if made.external_id == key:
        # A person says that it was made, and the shop does not show it: there is nothing to pair the credit with.
        return
    [origin] = drain.keep_seen([made]).values()
    _link(drain, piece, document, Origin(origin, made.digest))
