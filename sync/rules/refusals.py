"""What unlike texts of one cause have in common: the part of a refusal that its issue is known by."""

from __future__ import annotations

import re
from typing import Final

from connectors.kit.errors import ConnectorError, Locked
from mappings.canonical.errors import Problem
from mappings.canonical.words import say

#: What stands for everything that differs between equal refusals.
_GAP: Final = "\N{HORIZONTAL ELLIPSIS}"
#: Quoted values, whatever quotes the vendor's language has; an apostrophe inside of a word is none. Which field it is
#: about makes a refusal another one (Tryton: `The value for field "Party" in "Sale" is required.`).
_QUOTED: Final = re.compile(
    "(?<!\\w)'[^'\n]*'(?!\\w)|\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d"
    "|\u201e[^\u201c\u201d\n]*[\u201c\u201d]|\u00ab[^\u00bb\n]*\u00bb|(?<!\\w)\u2018[^\u2019\n]*\u2019(?!\\w)|`[^`\n]*`"
)
#: Addresses, and every word with a digit in it: numbers, dates, ids, codes of articles, amounts.
_NAMED: Final = re.compile(r"\S+@\S+\.\w+|https?://\S+|[^\s,;:()\[\]{}]*\d(?:[^\s,;:()\[\]{}]|:(?=\d))*")
#: A list of such things is as long as it is.
_LISTED: Final = re.compile(rf"{_GAP}(?:[\s,;/:.-]*{_GAP})+")
_MOST: Final = 200


def normalised(text: str) -> str:
    """Numbers, ids, addresses and quoted values taken out of a vendor's words, so that equal refusals are one issue."""
    bare = _NAMED.sub(_GAP, _QUOTED.sub(_without_value, text))
    return _LISTED.sub(_GAP, " ".join(bare.split()))[:_MOST]


def _without_value(quoted: re.Match[str]) -> str:
    return quoted[0] if quoted.string[: quoted.start()].lower().endswith("field ") else _GAP


def refusal_of(error: ConnectorError, text: str = "") -> str:
    """What a refusal's issue is about: the vendor's code with its words without values, or either alone.

    A code alone is too little: all warnings of an ERP share one. Words alone are what a vendor has who knows no codes.
    """
    told = normalised(text or str(error))
    return f"{error.code}: {told}" if error.code and told else error.code or told


def locked(error: Locked) -> Problem:
    """What is closed over there for now. Without a subject: whoever decides there decides about each by itself."""
    return Problem(
        cause="under_approval",
        path=error.field,
        reason=str(error),
        next_step=say("have it approved, refused or unlocked over there; it goes on by itself then"),
    )
