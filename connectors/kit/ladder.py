"""The match ladder: which party of a system a reference means, the surest rung first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict, Ref

_NOT_IN_VAT_ID: Final = re.compile(r"[^0-9A-Z]")
#: What stands of a candidate beside its addresses.
_TOLD: Final = ("id", "code", "name", "vat_ids", "emails")
#: What follows the e-mail address in the code of one company of several that share a mailbox.
_COMPANY: Final = "#"


def climb(
    ref: Ref, parties: Sequence[JsonDict], places: Callable[[JsonDict], Iterable[JsonDict]] = lambda _: ()
) -> JsonDict | None:
    """The party of a ref by code, else VAT id, else e-mail, with the rung as `matched_by`; None for an unknown one.

    Where a rung matches several, the answer is `{"id": None, "matched_by": ..., "candidates": [...]}`: no number of
    them is the customer, and a person has to say which. What a person has said is in the ref's hint: `id`, the party
    that it is, and nothing else will do; or `apart`, it is none of the others, so that our code alone counts. Parties
    have `id`, `code`, `name`, `vat_ids` (compact) and `emails` (folded); `places` gives their addresses as JSON with
    `street`, `postal_code`, `city`.
    """
    if chosen := str(ref.hint.get("id", "")):
        return next(({**party, "matched_by": "id"} for party in parties if str(party["id"]) == chosen), None)
    for rung, matches in _rungs(ref):
        found = [party for party in parties if matches(party)]
        if rung == "email" and len(found) > 1:
            found = _without_companies(ref, found)
        if len(found) == 1:
            told = {"places": list(places(found[0]))} if rung == "email" else {}
            return {**found[0], "matched_by": rung, **told}
        if found:
            return {"id": None, "matched_by": rung, "candidates": [_told(party, places) for party in found]}
    return None


def code_of(ref: Ref) -> str:
    """Our key of the party."""
    return str(ref.hint.get("code") or ref.value)


def vat_spellings(ref: Ref) -> set[str]:
    """As the customer wrote it and compact: a system stores what it was given."""
    written = str(ref.hint.get("vat_id", "")).strip()
    return {written, compact_vat_id(written)} if written and not decided(ref) else set()


def email_of(ref: Ref) -> str:
    """Folded; empty where it is not looked for."""
    return "" if decided(ref) else str(ref.hint.get("email", "")).strip().casefold()


def chosen_ids(refs: Iterable[Ref]) -> list[int]:
    """The parties that people have named, of systems whose ids are numbers."""
    named = {str(ref.hint.get("id", "")) for ref in refs}
    return sorted(int(each) for each in named if each.isascii() and each.isdigit())


def asked_as(ref: Ref) -> str:
    """Under what an answer is believed for a while: another one as soon as a person says what the ref means."""
    return ref.value if not decided(ref) else f"{ref.value}\0{ref.hint.get('id', '')}"


def decided(ref: Ref) -> bool:
    """Whether a person has said what the ref means."""
    return bool(ref.hint.get("id") or ref.hint.get("apart"))


def compact_vat_id(vat_id: str) -> str:
    """Upper case, without spaces, dots and dashes."""
    return _NOT_IN_VAT_ID.sub("", vat_id.upper())


def _rungs(ref: Ref) -> list[tuple[str, Callable[[JsonDict], bool]]]:
    rungs: list[tuple[str, Callable[[JsonDict], bool]]] = [("code", lambda party: party["code"] == code_of(ref))]
    if ref.hint.get("apart"):
        return rungs
    vat_id, email = compact_vat_id(str(ref.hint.get("vat_id", ""))), email_of(ref)
    if vat_id:
        rungs.append(("vat_id", lambda party: vat_id in party["vat_ids"]))
    if email:
        # One mailbox can serve two companies: a party with another VAT id is another customer.
        rungs.append(("email", lambda party: email in party["emails"] and not (vat_id and party["vat_ids"])))
    return rungs


def _without_companies(ref: Ref, parties: Sequence[JsonDict]) -> list[JsonDict]:
    """A customer who names no company is none of those that we made for companies with the same mailbox."""
    own = f"{code_of(ref)}{_COMPANY}"
    others = [party for party in parties if not str(party["code"] or "").startswith(own)]
    return others if len(others) == 1 else list(parties)


def _told(party: JsonDict, places: Callable[[JsonDict], Iterable[JsonDict]]) -> dict[str, Any]:
    return {**{name: party[name] for name in _TOLD}, "places": list(places(party))}
