"""Edits and cancellations in the shop after the import: carried over as far as the ERP allows, else a person's task.

An edit is the difference between the order that the sale was made from and the order as it is now. What the ERP's
people changed meanwhile is never overwritten without a word: each field has an owner (`after_import.owners`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from sqlalchemy import Connection

from config.model import Carry, Owner
from connectors.kit.base import Rank, TargetDocument
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import ChangesSales
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import Standing
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json
from mappings.canonical.words import Phrase, joined, say
from sync.flows.context import Drain
from sync.flows.doubts import documents_of
from sync.flows.facets.effects import Effect, carry_out
from sync.flows.facets.survey import resurvey, seen
from sync.flows.piece import Piece
from sync.rules.edits import FIELDS, SEPARATOR, apart
from sync.rules.stops import Held
from sync.store.accepted import EDIT
from sync.store.bodies import load_json, unpack
from sync.store.documents import Seen, end_others, save_seen
from sync.store.orders import mark_pushed

_BY_HAND = say("make the same change to the sale in the ERP, then approve the order")


def carries_edits(drain: Drain) -> bool:
    """Whether this channel changes sales, and the ERP can."""
    return _can_change(drain) and drain.systems.channel.after_import.edits is Carry.APPLY


def carries_cancellations(drain: Drain) -> bool:
    """Whether this channel cancels sales, and the ERP can."""
    return _can_change(drain) and drain.systems.channel.after_import.cancellations is Carry.APPLY


def _can_change(drain: Drain) -> bool:
    return drain.systems.erp_facets is not None and isinstance(drain.target, ChangesSales)


# --- cancellations ----------------------------------------------------------------------------------------------


def cancel(drain: Drain, piece: Piece) -> None:
    """Cancel the sale of an order that the shop does not want any more; the piece ends skipped.

    Raises Held where the ERP could not undo all of it, and what `carry_out` raises.
    """
    document = piece.document
    if document is None:
        piece.skipped = say("cancelled in the shop; there is no sale in the ERP any more")
        return
    erp = cast("ChangesSales", drain.target)
    done = carry_out(
        drain,
        piece,
        Effect(
            kind="cancel",
            key=piece.key,
            action="cancel",
            side=drain.systems.erp_side,
            name=say("the cancellation of sale %(sale)s", sale=document.number or document.external_id),
            find=lambda: _cancelled(drain, piece),
            send=lambda: _sale_row(drain, piece, erp.cancel_sale(document.external_id)),
        ),
    )
    drain.progress()
    found = documents_of(drain, piece)
    left = [each for each in found if each.rank is not Rank.CANCELLED]
    if left:
        raise Held([_not_cancelled(left[0], done)])
    piece.document = next(iter(found), None)
    piece.skipped = say("cancelled in the shop, and its sale in the ERP too")


def _cancelled(drain: Drain, piece: Piece) -> Seen | None:
    found = documents_of(drain, piece)
    gone = bool(found) and all(each.rank is Rank.CANCELLED for each in found)
    return _sale_row(drain, piece, found[0]) if gone else None


def _not_cancelled(document: TargetDocument, done: Seen) -> Problem:
    return Problem(
        cause="cancelled_after_import",
        path="",
        reason=say(
            "the shop cancelled the order, and the ERP could not cancel all of sale %(sale)s: it is %(state)s there",
            sale=document.number or document.external_id,
            state=repr(done.state or document.state),
        ),
        next_step=say("see to the sale in the ERP (a return for what has left, a credit note), then approve the order"),
    )


def _sale_row(drain: Drain, piece: Piece, document: TargetDocument) -> Seen:
    record = {"number": document.number, "state": document.state, "total": f"{document.total:f}"}
    return seen(drain, piece, "sale", document.external_id, record, number=document.number, state=document.state[:32])


# --- edits ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One field of the sale: as it was made, as the shop wants it now, as the ERP has it."""

    field: str
    was: str
    wanted: str
    there: str
    owner: Owner

    @property
    def told(self) -> Phrase:
        """Side by side, as far as they are not the same."""
        was, wanted, there = map(repr, apart(self.field, (self.was, self.wanted, self.there)))
        field = FIELDS.get(self.field, self.field)
        if there == was:
            return say("%(field)s: the shop says %(wanted)s, it was %(was)s", field=field, was=was, wanted=wanted)
        return say(
            "%(field)s: the shop says %(wanted)s, it was %(was)s, the ERP has %(there)s",
            field=field,
            was=was,
            wanted=wanted,
            there=there,
        )


def change(drain: Drain, piece: Piece) -> None:
    """Bring its sales to what the edited order asks for. Raises Held with the difference side by side."""
    for unit in piece.units:
        # What is missing of a divided order is made from what the order is now.
        if unit.document is not None:
            _change_one(drain, unit)
    assert piece.order_id is not None
    order_id, material, erp = piece.order_id, piece.material, drain.lease.connection

    def end(connection: Connection) -> None:
        mark_pushed(connection, order_id, material, piece.sale_rows)
        end_others(connection, order_id, erp, [EDIT], [])

    drain.write(end)
    piece.edited_from = None


def _change_one(drain: Drain, piece: Piece) -> None:
    order, standing = piece.order, piece.standing
    assert order is not None
    assert standing is not None
    differences = list(_differences(drain, piece, order, standing))
    try:
        _carry_over(drain, piece, differences)
    except Held:
        _keep_difference(drain, piece, differences)
        raise


def note(drain: Drain, piece: Piece) -> None:
    """Remember the difference of an edit that the channel holds for a person, side by side with what the ERP has."""
    for unit in piece.units:
        order, standing = unit.order, unit.standing
        if order is None or standing is None:
            continue
        with contextlib.suppress(Problems):
            # What the ERP lacks for the new lines is found by whoever makes the change.
            if differences := list(_differences(drain, unit, order, standing)):
                _keep_difference(drain, unit, differences)


def _carry_over(drain: Drain, piece: Piece, differences: list[Difference]) -> None:
    conflicts = [each for each in differences if each.owner is Owner.SHOP and each.there not in {each.was, each.wanted}]
    if conflicts:
        raise Held([_by_hand(say("the shop and the ERP's people both changed it"), conflicts)])
    fields = frozenset(each.field for each in differences if _is_ours(each))
    if fields:
        _write(drain, piece, fields, differences)


def _keep_difference(drain: Drain, piece: Piece, differences: Sequence[Difference]) -> None:
    row = seen(drain, piece, EDIT, piece.sale_id, tuple(differences))
    drain.write(lambda c: save_seen(c, [row]))


def _is_ours(each: Difference) -> bool:
    """Whether the shop's word is to be written."""
    if each.there == each.wanted or each.owner is Owner.NEVER:
        return False
    if each.owner is Owner.EMPTY:
        return not each.there
    # Shop and ERP alike: while nobody touched it in the ERP, there is nothing to lose.
    return each.there == each.was


def _differences(drain: Drain, piece: Piece, order: Order, standing: Standing) -> Iterator[Difference]:
    """Fields that the shop changed since the sale was made."""
    assert piece.edited_from is not None
    base = _texts(_wanted(drain, order_from_json(load_json(unpack(piece.edited_from)))))
    ours, theirs = _texts(_wanted(drain, order)), _texts(standing)
    for field, owner in drain.systems.channel.after_import.owners.items():
        if base.get(field, "") != ours.get(field, ""):
            yield Difference(field, base.get(field, ""), ours.get(field, ""), theirs.get(field, ""), owner)


def _wanted(drain: Drain, order: Order) -> Standing:
    facets, options = drain.systems.erp_facets, drain.systems.target_options
    assert facets is not None
    resolved = drain.resolve(drain.mapping.references(order, options))
    return facets.wanted(order, resolved, options)


def _texts(standing: Standing) -> dict[str, str]:
    """Each field as one text that compares and that people can read."""
    lines = (f"{line.quantity.normalize():f} x {line.code or line.title} = {line.total:f}" for line in standing.lines)
    return {**dict(standing.fields), "lines": SEPARATOR.join(sorted(lines))}


def _write(drain: Drain, piece: Piece, fields: frozenset[str], differences: list[Difference]) -> None:
    erp, facets, order = cast("ChangesSales", drain.target), drain.systems.erp_facets, piece.order
    assert facets is not None
    assert order is not None
    assert piece.surveyed is not None
    options = drain.systems.target_options
    resolved = drain.resolve(drain.mapping.references(order, options))
    payload = facets.change(order, piece.surveyed, fields, resolved, options)
    if payload is None:
        return
    sent = payload

    def send() -> Seen:
        # Whoever compares totals later must see the sale as it is now.
        piece.document = erp.change_sale(piece.sale_id, sent)
        return _sale_row(drain, piece, piece.document)

    try:
        carry_out(drain, piece, _effect(drain, piece, send))
    except RecordRejected as refusal:
        why = say("the ERP does not let its sale be changed (%(refusal)s)", refusal=refusal)
        raise Held([_by_hand(why, [each for each in differences if each.field in fields])]) from refusal
    standing = resurvey(drain, piece)
    now = _texts(standing)
    left = [each for each in differences if each.field in fields and now.get(each.field, "") != each.wanted]
    if left:
        raise Held([_by_hand(say("the ERP took the change, and shows something else"), left)])


def _effect(drain: Drain, piece: Piece, send: Callable[[], Seen]) -> Effect:
    return Effect(
        kind="change",
        key=f"{piece.key}:{piece.material[:12]}",
        action="update",
        side=drain.systems.erp_side,
        name=say("the change of sale %(sale)s", sale=piece.sale_id),
        # What an earlier try did shows in the survey that this one began with: the difference is made anew.
        find=lambda: None,
        send=send,
    )


def _by_hand(why: str, differences: Sequence[Difference]) -> Problem:
    return Problem(
        cause="changed_after_import",
        path="",
        reason=say(
            "the order was edited in the shop after it went to the ERP, and %(why)s: %(differences)s",
            why=why,
            differences=joined("; ", [each.told for each in differences]),
        ),
        next_step=_BY_HAND,
    )
