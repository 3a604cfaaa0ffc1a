"""Customers of a batch who might be several records of the ERP: a person is asked once for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from connectors.kit.base import JsonDict
from mappings.canonical.records import Order
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.piece import Piece
from sync.rules.matching import candidate_of, customer_of, judged
from sync.store.matches import Doubt, Match, ask, withdraw


def settle(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Keep what is in doubt of customers whose sale, or address, is still to be written; their mapping holds them."""
    doubts: dict[str, tuple[Doubt, str]] = {}
    sure: set[int] = set()
    for piece in pieces:
        ref, order = piece.party_ref, piece.order
        answer = None if ref is None else piece.resolved.get(ref)
        if ref is None or order is None or answer is None or not _needs_party(piece):
            continue
        answer = piece.resolved[ref] = judged(order, answer, trust_email=drain.systems.target_options.trust_email)
        known = drain.matches.get(ref.value)
        if "candidates" in answer:
            doubt = _doubt(drain, ref.value, order, answer)
            why = _why(answer)
            if why or not _is_asked(doubt, known):
                doubts.setdefault(ref.value, (doubt, why))
        elif known is not None and known.is_open:
            # They were merged over there, or one was given our code.
            sure.add(known.id)
    if doubts or sure:
        drain.write(lambda c: _keep(c, doubts.values(), sure))


def _doubt(drain: Drain, key: str, order: Order, answer: JsonDict) -> Doubt:
    customer = customer_of(order, drain.systems.channel.name)
    return Doubt(
        connection=drain.lease.connection,
        key=key,
        rung=answer["matched_by"],
        customer=customer,
        candidates=tuple(candidate_of(each, customer) for each in answer["candidates"]),
    )


def _why(answer: JsonDict) -> str:
    if "gone" not in answer:
        return ""
    return say("%(name)s, which was chosen, is not there any more", name=answer["gone"])


def _needs_party(piece: Piece) -> bool:
    """Whether it matters who the customer is; a sale that stands has its own."""
    return (piece.binding is None and piece.document is None) or piece.edited_from is not None


def _is_asked(doubt: Doubt, known: Match | None) -> bool:
    """Whether a person sees the same already; another order of the customer is no news."""
    return known is not None and known.is_open and (known.rung, known.candidates) == (doubt.rung, doubt.candidates)


def _keep(connection: Connection, doubts: Iterable[tuple[Doubt, str]], sure: set[int]) -> None:
    for doubt, why in sorted(doubts, key=lambda each: each[0].key):
        ask(connection, doubt, why=why)
    withdraw(connection, sure)
