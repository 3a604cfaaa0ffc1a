"""Which record of a system a customer is, where only a person can say: what is compared, and what was decided."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.kit.base import JsonDict
from mappings import buyers
from mappings.canonical.match import alike, folded_name
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from sync.store.matches import Answer, Candidate, Customer, Match, Person

#: The rung of the ladder that says least.
_WEAK: Final = "email"
#: Fields of a Person that are compared, in the order in which they are told.
COMPARED: Final = tuple(field.name for field in dataclasses.fields(Person))


def decided(ref: Ref, matches: Mapping[str, Match]) -> Ref:
    """The reference to a party with what a person has said of it (`connectors.kit.ladder.climb`)."""
    match = matches.get(ref.value)
    if match is None or match.is_open:
        return ref
    said: JsonDict = {"id": match.chosen} if match.answer == Answer.SAME else {"apart": True}
    return dataclasses.replace(ref, hint={**ref.hint, **said})


def as_decided(match: Match, answer: JsonDict | None, now: JsonDict | None) -> JsonDict | None:
    """What the target knows of a customer of whom a person was asked; None where the ladder's answer counts.

    `answer` is what it says of the decided reference, `now` what the ladder finds without a decision.
    """
    if not match.is_open and answer is not None:
        return answer
    if match.answer == Answer.APART:
        return {"id": None, "apart": True}
    if match.is_open and not match.why:
        return None
    # What was chosen is gone: whatever the ladder says by now, a person had another opinion.
    left = [] if now is None else now.get("candidates", [now])
    kept = [_as_found(each) for each in match.candidates if each.id != match.chosen]
    gone = "" if match.is_open else _called(match)
    return {"id": None, "matched_by": match.rung, "candidates": [_as_candidate(each) for each in left or kept]} | (
        {"gone": gone} if gone else {}
    )


def _called(match: Match) -> str:
    chosen = match.chosen_candidate
    return match.chosen if chosen is None else f"{chosen.name} ({chosen.code or chosen.id})"


def judged(order: Order, answer: JsonDict, *, trust_email: bool) -> JsonDict:
    """The target's answer; a doubt where an e-mail address alone speaks for a party that is called otherwise.

    Only of an order that names a company or a VAT id: whoever buys for themselves is known by their address.
    """
    weak = answer.get("id") is not None and answer.get("matched_by") == _WEAK and not trust_email
    if not weak or not _is_business(order) or alike(buyers.party_name(order), str(answer.get("name", ""))):
        return answer
    return {"id": None, "matched_by": _WEAK, "candidates": [_as_candidate(answer)]}


def _is_business(order: Order) -> bool:
    return any(text.strip() for text in (order.customer.vat_id, order.customer.company, order.billing.company))


def customer_of(order: Order, channel: str) -> Customer:
    """What the order says of its customer."""
    customer, address = order.customer, buyers.billing(order)
    return Customer(
        name=buyers.party_name(order),
        vat_id=buyers.compact_vat_id(customer.vat_id),
        email=(customer.email or order.billing.email).strip(),
        phone=(customer.phone or order.billing.phone).strip(),
        street=buyers.joined(address.street, address.street_2),
        postal_code=address.postal_code.strip(),
        city=address.city.strip(),
        country=address.country,
        channel=channel,
        order=order.external_id,
        number=order.number,
    )


def candidate_of(found: JsonDict, customer: Customer) -> Candidate:
    """One party of a target (`connectors.kit.ladder`) beside the customer, with what both say alike.

    Of several addresses, VAT ids or e-mail addresses the customer's own is told, else the first.
    """
    places = [dict(each) for each in found.get("places") or ()]
    place = next((each for each in places if _same_place(each, customer)), places[0] if places else {})
    made = Candidate(
        id=str(found["id"]),
        code=str(found.get("code") or ""),
        name=str(found.get("name") or ""),
        vat_id=_own(found.get("vat_ids") or (), customer.vat_id),
        email=_own(found.get("emails") or (), customer.email),
        street=str(place.get("street") or ""),
        postal_code=str(place.get("postal_code") or ""),
        city=str(place.get("city") or ""),
    )
    return dataclasses.replace(made, same=same_fields(made, customer))


def same_fields(one: Person, other: Person) -> tuple[str, ...]:
    """Fields in which two say the same, whatever the spelling."""
    return tuple(name for name in COMPARED if _same(name, getattr(one, name), getattr(other, name)))


def different_fields(one: Person, other: Person) -> tuple[str, ...]:
    """Fields of which both know something, and not the same."""
    same = same_fields(one, other)
    return tuple(name for name in COMPARED if name not in same and getattr(one, name) and getattr(other, name))


def _same(name: str, one: str, other: str) -> bool:
    if not one.strip() or not other.strip():
        return False
    if name == "name":
        return alike(one, other)
    if name in {"vat_id", "phone", "postal_code"}:
        return _signs(one) == _signs(other)
    return folded_name(one) == folded_name(other)


def _signs(text: str) -> str:
    return "".join(sign for sign in text.upper() if sign.isalnum())


def _same_place(place: Mapping[str, Any], customer: Customer) -> bool:
    return _same("postal_code", str(place.get("postal_code") or ""), customer.postal_code)


def _own(values: Iterable[str], own: str) -> str:
    told = [str(each) for each in values]
    return next((each for each in told if _signs(each) == _signs(own)), told[0] if told else "")


def _as_candidate(found: JsonDict) -> JsonDict:
    """What is told of a party among several."""
    names = ("id", "code", "name", "vat_ids", "emails", "places")
    return {name: found.get(name) for name in names} | {"name": str(found.get("name") or found["id"])}


def _as_found(candidate: Candidate) -> JsonDict:
    """As the target told of it when it was asked."""
    place = {name: getattr(candidate, name) for name in ("street", "postal_code", "city")}
    return {
        "id": candidate.id,
        "code": candidate.code,
        "name": candidate.name,
        "vat_ids": [candidate.vat_id] if candidate.vat_id else [],
        "emails": [candidate.email] if candidate.email else [],
        "places": [place] if any(place.values()) else [],
    }
