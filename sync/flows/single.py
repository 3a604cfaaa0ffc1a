"""Keeping a document single where the target enforces no key: drafts, read back, losers deleted first."""

from __future__ import annotations

from connectors.kit.base import Rank, SalesTarget, TargetDocument
from connectors.kit.errors import RecordRejected
from mappings.canonical.errors import Problem
from mappings.canonical.words import say
from sync.rules.stops import Held

#: Ids are given before commit, so a lower one can appear after we looked: look, delete, look again.
_ROUNDS = 5


def single_out(
    target: SalesTarget, key: str, documents: list[TargetDocument], *, own: TargetDocument | None
) -> TargetDocument:
    """The one document that stays under `key`; the others are deleted before anything of it is confirmed.

    A document that is a draft no longer wins, else the lowest id. A refused delete means that the other one won:
    then our own draft goes. Raises Held when more than one was confirmed already: only a person can undo that.
    """
    for _ in range(_ROUNDS):
        standing = [document for document in documents if document.rank is not Rank.CANCELLED]
        if own is not None and all(document.external_id != own.external_id for document in standing):
            standing.append(own)
        beyond = [document for document in standing if document.rank > Rank.DRAFT]
        if len(beyond) > 1:
            raise Held([_doubled(key, beyond)])
        winner = beyond[0] if beyond else standing[0]
        losers = [document for document in standing if document.external_id != winner.external_id]
        if not losers:
            return winner
        for loser in losers:
            _delete(target, loser)
        documents = target.find_sales([key]).get(key, [])
        own = None
        if not documents:
            raise Held([_doubled(key, [])])
    raise Held([_doubled(key, documents)])


def _delete(target: SalesTarget, document: TargetDocument) -> None:
    try:
        target.delete_draft(document)
    except RecordRejected:
        # It is a draft no longer: the next look finds it beyond draft, and then it wins.
        return


def _doubled(key: str, documents: list[TargetDocument]) -> Problem:
    numbers = ", ".join(document.number or document.external_id for document in documents)
    return Problem(
        cause="doubled",
        path="",
        reason=say(
            "the ERP has more than one sale under %(key)s: %(numbers)s",
            key=key,
            numbers=numbers or say("they change while we look"),
        ),
        next_step=say("cancel all but one of them in the ERP, then retry"),
    )
