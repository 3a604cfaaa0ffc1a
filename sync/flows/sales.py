"""Pushing sales so that each order stands in the target exactly once (design section 5, step 8).

in doubt? -> looked up already (`sync.flows.doubts`)
not trusted? -> look up in bulk before the first write
intent, commit -> create with key -> (no enforced key: single out) -> advance -> read back -> compare
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from connectors.kit.base import Rank, Result, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectionBroken, ConnectorError, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from mappings.canonical.errors import Problem
from mappings.canonical.facets import SaleState
from mappings.canonical.words import say
from sync.flows.amounts import compare
from sync.flows.context import Drain, Permit
from sync.flows.doubts import look_up
from sync.flows.parts import collect, units
from sync.flows.piece import Piece, aside, guarded
from sync.flows.single import single_out
from sync.rules.profile_lines import naming_rule
from sync.rules.routing import sent_from
from sync.rules.stops import Held, Later, NotSent, Unsettled
from sync.store.intents import Wanted


def push(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Bring every piece's sale to where the policy says; each piece ends with `document` or with an error."""
    look_first(drain, pieces)
    sales = units(_open(pieces))
    for piece in _open(sales):
        with guarded(piece):
            _prepare(drain, piece)
    _write(drain, _open(sales))
    for piece in sales:
        if piece.error is None and piece.document is not None:
            with guarded(piece), aside(piece):
                compare(drain, piece, piece.document)
    for piece in pieces:
        collect(piece)


def look_first(drain: Drain, pieces: Sequence[Piece]) -> None:
    """What may stand already is looked up before anything is written."""
    look_up(drain, [unit for unit in units(pieces) if _must_look(drain, unit)])
    for piece in pieces:
        collect(piece)


def _open(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if not piece.ended]


def _must_look(drain: Drain, piece: Piece) -> bool:
    """A look-up is spared only for a new order that the database is trusted with."""
    if piece.ended or piece.looked or piece.order is None:
        return False
    # Of a divided order that a person has made anew, some parts may stand still.
    parts_again = piece.whole is not None and "again" in piece.item.facets
    return parts_again or piece.binding is not None or not drain.trusts(piece.order)


def _gone(documents: list[TargetDocument]) -> Problem:
    what = say("its sale is gone")
    if documents:
        what = say("sale %(number)s was cancelled", number=documents[0].number or documents[0].external_id)
    return Problem(
        cause="gone_in_erp",
        path="",
        reason=say("%(what)s in the ERP, and the shop still has the order", what=what),
        next_step=say("cancel the order in the shop too, make a new sale with `crossdock retry --again`, or approve"),
    )


def _key_kept(documents: list[TargetDocument]) -> Problem:
    """A person wants a new sale, and the ERP keeps the key of the one that was cancelled.

    Under another key a look-up would never know which of the two is the order's: after a lost answer, or in a restored
    database, it would be made a third time. The cancelled one can live again, and bears the key.
    """
    return Problem(
        cause="gone_in_erp",
        path="",
        reason=say(
            "the ERP takes no new sale of this order: its key belongs to the cancelled sale %(number)s for good",
            number=documents[0].number or documents[0].external_id,
        ),
        next_step=say(
            "set that sale back to draft in the ERP, then retry: it is taken up from there. Or enter the order in the "
            "ERP by hand, and link it"
        ),
    )


# --- write ------------------------------------------------------------------------------------------------------


def _prepare(drain: Drain, piece: Piece) -> None:
    """The payload of a sale that is not there yet. Raises Held for one that was there."""
    if piece.document is not None or piece.order is None:
        return
    if piece.cancelled and _shop_follows(drain, piece) and "again" not in piece.item.facets:
        piece.converged = say("its sale was cancelled in the ERP, and the shop is told")
        return
    if (piece.cancelled or piece.binding is not None) and "again" not in piece.item.facets:
        if "gone_in_erp" not in piece.approved:
            raise Held([_gone(piece.cancelled)])
        piece.skipped = say("its sale is gone in the ERP, and a person has let it be")
        return
    options = sent_from(drain.systems.target_options, "" if piece.route is None else piece.route.warehouse)
    piece.sale = drain.mapping.sale(piece.order, piece.resolved, options)


def _shop_follows(drain: Drain, piece: Piece) -> bool:
    """Whether a cancellation in the ERP goes back to the shop: of all that the order is there."""
    if any(unit.document is not None or not unit.cancelled for unit in piece.owner.units):
        return False
    return SaleState.CANCELLED.value in drain.systems.channel.after_import.state_back and drain.follows


def _write(drain: Drain, pieces: Sequence[Piece]) -> None:
    rank = drain.wanted_rank
    todo = [piece for piece in pieces if piece.document is None or piece.document.rank < rank]
    if not todo:
        return
    begun = time.monotonic()
    wanted = [
        Wanted(piece.item.id, "sale", "create" if piece.document is None else "advance", piece.key) for piece in todo
    ]
    ids = drain.announce(wanted)
    for piece in todo:
        if piece.key in ids:
            piece.intent = ids[piece.key]
        else:
            piece.error = Later(say("the same sale is being written for another order"))
    todo = _open(todo)
    permit = Permit(drain, begun + drain.systems.start_s)
    drain.window(lambda chunk: _push_chunk(drain, permit, chunk), list(_chunks(todo, drain.target.bulk)))


def _chunks(pieces: Sequence[Piece], size: int) -> Iterator[list[Piece]]:
    """What is to be created and what is only to be brought on need different calls."""
    for group in ([p for p in pieces if p.document is None], [p for p in pieces if p.document is not None]):
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _push_chunk(drain: Drain, permit: Permit, pieces: list[Piece]) -> None:
    """Create, single out, advance: one bulk call each. Runs in a thread of the window."""
    with capture() as exchanges, guarded(*pieces):
        create = [piece for piece in pieces if piece.document is None]
        _call(drain, permit, create, lambda: drain.target.create_sales([piece.sale or {} for piece in create]))
        if not drain.target.keys["sale"].enforced:
            _single_out(drain, permit, [piece for piece in create if piece.document is not None])
        rank = drain.wanted_rank
        below = [piece for piece in pieces if not piece.error and piece.document and piece.document.rank < rank]
        documents = [piece.document for piece in below if piece.document is not None]
        _call(drain, permit, below, lambda: drain.target.advance_sales(documents, rank))
    for piece in pieces:
        piece.exchanges.extend(exchanges)


def _call(drain: Drain, permit: Permit, pieces: list[Piece], call: Callable[[], list[Result]]) -> None:
    """One bulk write; each piece gets its own result."""
    if not pieces:
        return
    try:
        permit.demand()
        results = _begun(permit, call)
    except ConnectorError as error:
        results = [Result(error=error) for _ in pieces]
    except (NotSent, Unsettled) as stop:
        for piece in pieces:
            piece.error = stop
        return
    for piece, result in zip(pieces, results, strict=True):
        _apply(drain, piece, result)


def _begun(permit: Permit, call: Callable[[], list[Result]]) -> list[Result]:
    """A write may need several calls; where the time ran out between two, nobody is told what the first did."""
    try:
        with writes_need(permit.demand):
            return call()
    except NotSent as error:
        raise Unsettled(say("begun, and not brought to its end: %(error)s", error=error)) from error


def _apply(drain: Drain, piece: Piece, result: Result) -> None:
    if result.document is not None:
        piece.document = result.document
    elif isinstance(result.error, AlreadyExists):
        _take_existing(drain, piece, result.error)
    elif isinstance(result.error, RecordRejected):
        piece.error = naming_rule(result.error, drain.systems.profile, drain.systems.erp_system)
    else:
        piece.error = result.error
    if isinstance(piece.error, Transient | ConnectionBroken):
        drain.away.set()


def _take_existing(drain: Drain, piece: Piece, refusal: AlreadyExists) -> None:
    """Our key is taken: by an earlier write of ours. What stands there is the sale."""
    try:
        found = drain.target.find_sales([piece.key]).get(piece.key, [])
    except ConnectorError as error:
        # The refusal is certain, only the reading failed: nothing was written by this call.
        piece.error = Unsettled(say("the key is taken, the look-up failed: %(error)s", error=error))
        return
    standing = [document for document in found if document.rank is not Rank.CANCELLED]
    if standing:
        piece.document = standing[0]
    elif found:
        piece.error = Held([_key_kept(found)])
    else:
        piece.error = refusal


def _single_out(drain: Drain, permit: Permit, pieces: list[Piece]) -> None:
    """Without an enforced key: read back by key before anything is confirmed; the losers are deleted first."""
    if not pieces:
        return
    try:
        found = drain.target.find_sales([piece.key for piece in pieces])
    except ConnectorError as error:
        for piece in pieces:
            piece.error = Unsettled(say("the draft was made, but could not be read back: %(error)s", error=error))
        return
    for piece in pieces:
        try:
            with writes_need(permit.demand):
                piece.document = single_out(drain.target, piece.key, found.get(piece.key, []), own=piece.document)
        except Held as held:
            piece.error = held
        except (ConnectorError, NotSent) as error:
            piece.error = Unsettled(
                say("the draft was made, but is not known to be the only one: %(error)s", error=error)
            )
