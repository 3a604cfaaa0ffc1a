"""Which cell of a file is meant where a field of its order is wrong: the one that its rule reads, where it is one."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from mappings.canonical.errors import Problem
from mappings.canonical.words import Phrase
from mappings.profiles import Profile
from mappings.profiles.model import Copy, Rule, Scope

_NAME: Final = r"""(?:(?P<plain>\w+)|"(?P<quoted>[^"]*)")"""
_IN_SOURCE: Final = re.compile(rf"source\.rows\[(?P<row>\d+)\]\.{_NAME}")
_IN_ITEM: Final = re.compile(rf"item\.{_NAME}")
#: `lines[2].total`: the third record.
_RECORD: Final = re.compile(r"\w+\[(?P<row>\d+)\]\..+")
_ROWS: Final = "source.rows"
_ROW: Final = re.compile(r"source\.rows\[(?P<row>\d+)\]")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A cell of an order's rows."""

    #: Among the rows of the order, from 0.
    row: int
    column: str


def cell_of(problem: Problem, profile: Profile | None) -> Cell | None:
    """The cell in which it is wrong; None where it is in none, or may be in several."""
    values = problem.reason.values if isinstance(problem.reason, Phrase) else {}
    place = values.get("place")
    if profile is None or place is None:
        return None
    for scope in profile.source.values():
        for rule in scope.rules:
            if str(rule.place) == place:
                return _read_by(rule, scope, str(values.get("field", problem.path)))
    return None


def _read_by(rule: Rule, scope: Scope, field: str) -> Cell | None:
    text = rule.verb.value.text if isinstance(rule.verb, Copy) else ""
    if (found := _IN_SOURCE.fullmatch(text)) is not None:
        return Cell(int(found["row"]), found["plain"] or found["quoted"])
    found = _IN_ITEM.fullmatch(text)
    row = _row_of(scope, field)
    return None if found is None or row is None else Cell(row, found["plain"] or found["quoted"])


def _row_of(scope: Scope, field: str) -> int | None:
    """Which row the records of a scope are made of."""
    each = "" if scope.each is None else scope.each.text
    if (one := _ROW.fullmatch(each)) is not None:
        return int(one["row"])
    # Where some rows make no record, the third record is not the third row.
    record = _RECORD.fullmatch(field) if each == _ROWS and scope.where is None else None
    return None if record is None else int(record["row"])
