"""Corrections as the terminal, the JSON API and the passport of an order tell them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sync.rules.corrections import MISSING, Change, Correction


def counting(corrections: Iterable[Correction]) -> frozenset[int]:
    """Numbers of those that count: the newest of each kind that was not taken back. They come the oldest first."""
    return frozenset({each.basis: each.number for each in corrections if each.ended_at is None}.values())


def correction_to_json(correction: Correction, counts: Collection[int]) -> dict[str, Any]:
    """`counts` are the numbers of those that count."""
    ended = correction.ended_at
    return {
        "number": correction.number,
        "basis": correction.basis.value,
        "by": correction.made_by,
        "at": correction.made_at.isoformat(),
        "reason": correction.reason,
        "counts": correction.number in counts,
        "taken_back": None
        if ended is None
        else {"at": ended.isoformat(), "by": correction.ended_by, "reason": correction.ended_reason},
        "changes": changes_to_json(correction.changes),
    }


def changes_to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Each with its field; what was or is to be nothing is null."""
    return [
        {"field": str(change), "before": _or_null(change.before), "after": _or_null(change.after)} for change in changes
    ]


def _or_null(value: Any) -> Any:
    return None if value is MISSING else value
