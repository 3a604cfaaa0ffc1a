"""A note about what was sent, for shops whose orders have notes: the order's words, and a reference of ours at its end.

Nobody tells us the customer's language, so that no sentence of ours stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mappings.facets import Sent

#: The last line; a customer takes it for what it is, a reference.
_REFERENCE: Final = re.compile(r"(?:^|\n)Ref\. (\S+)\s*\Z")


def note_text(sent: Sent) -> str:
    """What was sent, with whom, under which number, where to follow it."""
    return "\n".join(_lines(sent))


def key_of(text: str) -> str:
    """The key of a note of ours; empty for one that somebody else wrote."""
    found = _REFERENCE.search(text.replace("\r\n", "\n"))
    return found[1] if found else ""


def reference(key: str) -> str:
    """The last line of a note of ours."""
    return f"Ref. {key}"


def numbers_of(sent: Sent) -> tuple[str, ...]:
    """The tracking numbers, each once."""
    return tuple(dict.fromkeys(each.tracking_number for each in sent.shipment.parcels if each.tracking_number))


def _lines(sent: Sent) -> Iterator[str]:
    names = {line.external_id: line.name or line.sku for line in sent.order.lines}
    for line, pieces in sent.pieces.items():
        if pieces > 0:
            # On one line: the last line of a note is ours.
            yield f"{pieces.normalize():f} x {' '.join(names.get(line, line).split())}"
    carrier_and_numbers = " ".join(filter(None, [sent.carrier, ", ".join(numbers_of(sent))]))
    if carrier_and_numbers:
        yield carrier_and_numbers
    yield from dict.fromkeys(
        filter(None, [sent.tracking_url, *(parcel.tracking_url for parcel in sent.shipment.parcels)])
    )
    yield reference(sent.key)
