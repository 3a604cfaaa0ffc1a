"""Which pieces of a shipment belong to which line of the order: the ERP knows articles, the shop knows lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

#: Line of the order -> its article's code in the ERP, and how many were ordered.
Ordered = Mapping[str, tuple[str, Decimal]]


def allot(
    ordered: Ordered,
    shipments: Iterable[Sequence[tuple[str, Decimal]]],
    *,
    bundles: Mapping[str, Sequence[str]] | None = None,
    waiting: Collection[str] = (),
) -> list[dict[str, Decimal]]:
    """For each shipment that has left (article, pieces), in their order: line of the order -> pieces.

    Of two lines with the same article the first is filled first. No line ever gets more than was ordered of it; what
    an ERP ships beyond that is nobody's (a replacement, a sample). `bundles` are lines that other lines are the parts
    of, `waiting` the articles of shipments that are still to leave. A line that the ERP ships under no code of its own
    is sent with its parts: those that the order names, else whatever the ERP ships that the order does not name.
    """
    sent = [list(pieces) for pieces in shipments]
    left = {line: quantity for line, (_, quantity) in ordered.items()}
    allotted = [_of_one(ordered, left, pieces) for pieces in sent]
    shipped = {code for pieces in sent for code, _ in pieces} | set(waiting)
    apart = [line for line, (code, quantity) in ordered.items() if code not in shipped and quantity > 0]
    named = {line: parts for line, parts in (bundles or {}).items() if line in apart}
    for bundle, parts in named.items():
        _with_parts(ordered, allotted, bundle, [part for part in parts if ordered[part][1] > 0])
    kits = [line for line in apart if line not in named]
    strange = shipped - {code for code, _ in ordered.values()}
    if not strange & set(waiting):
        _with_last(ordered, allotted, kits, [any(code in strange for code, _ in pieces) for pieces in sent])
    return allotted


def _of_one(ordered: Ordered, left: dict[str, Decimal], pieces: Sequence[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for article, quantity in pieces:
        rest = quantity
        for line, (code, _) in ordered.items():
            taken = min(rest, left[line]) if code == article else Decimal(0)
            if taken > 0:
                left[line] -= taken
                rest -= taken
                found[line] = found.get(line, Decimal(0)) + taken
    return found


def _with_parts(ordered: Ordered, allotted: Sequence[dict[str, Decimal]], bundle: str, parts: Sequence[str]) -> None:
    """A bundle has left as often as all of its parts have."""
    if not parts:
        return
    gone = dict.fromkeys(parts, Decimal(0))
    told = Decimal(0)
    for found in allotted:
        for part in parts:
            gone[part] += found.get(part, Decimal(0))
        whole = min(gone[part] * ordered[bundle][1] / ordered[part][1] for part in parts)
        whole = whole if whole == ordered[bundle][1] else whole.to_integral_value(ROUND_FLOOR)
        if whole > told:
            found[bundle] = whole - told
            told = whole


def _with_last(
    ordered: Ordered, allotted: Sequence[dict[str, Decimal]], kits: Iterable[str], strange: Sequence[bool]
) -> None:
    """Nobody says which parts make a kit: it has left when nothing is to come that the order does not name."""
    if any(strange):
        last = max(index for index, is_strange in enumerate(strange) if is_strange)
        allotted[last].update({line: ordered[line][1] for line in kits})
