"""Doubtful matches as the terminal and the JSON API tell them."""

from __future__ import annotations

import dataclasses
from typing import Any

from sync.desk.matches import Blocked, MatchDetail
from sync.desk.needs_told import document_to_json, figures_to_json
from sync.rules.matching import COMPARED
from sync.store.matches import Match, Person


def match_to_json(match: Match, blocked: Blocked) -> dict[str, Any]:
    """One match with what it stops, without its candidates."""
    same = ("connection", "key", "rung", "opened_at", "decided_at", "decided_by", "reason", "answer", "chosen")
    return {
        "id": str(match.id),
        **{name: getattr(match, name) for name in same},
        "open": match.is_open,
        "why": str(match.why),
        "customer": {
            **_person(match.customer),
            "channel": match.customer.channel,
            "order": match.customer.order,
            "number": match.customer.number,
        },
        "candidates": len(match.candidates),
        "blocked": figures_to_json(blocked.figures),
    }


def detail_to_json(detail: MatchDetail) -> dict[str, Any]:
    """The same with each candidate, what speaks for it and what differs, and with the orders that wait."""
    return {
        **match_to_json(detail.match, detail.blocked),
        "candidates": [
            {
                "id": each.candidate.id,
                "code": each.candidate.code,
                "page": each.page,
                **_person(each.candidate),
                "same": [name for name in COMPARED if name in each.same],
                "different": [name for name in COMPARED if name in each.different],
            }
            for each in detail.candidates
        ],
        "may_be_apart": detail.may_be_apart,
        "issues": [str(issue) for issue in detail.blocked.issues],
        "orders": [document_to_json(each) for each in detail.orders],
        "history": [
            {name: getattr(each, name) for name in ("at", "actor", "action", "before", "after", "reason")}
            for each in detail.history
        ],
    }


def _person(person: Person) -> dict[str, str]:
    told = dataclasses.asdict(person)
    return {name: told[name] for name in COMPARED}
