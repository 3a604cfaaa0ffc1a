"""Corrections: what a person has changed of an order, and how that is laid over what its shop says by now.

A change names one place of a document with what stood there and what is to stand there. Places within a list are named
by the element's own id where all of its elements have one, so that a line that is added before them moves nothing; else
the list is one value. A change holds while the shop says in its place what it said when the change was made.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from mappings.canonical.errors import Problem
from mappings.canonical.fields import shown
from mappings.canonical.words import say
from sync.store.bodies import dump_json, load_json, unpack
from sync.store.corrections import KeptCorrection

#: The cause of an order whose shop has changed what was corrected.
CAUSE: Final = "correction_outdated"
#: By these the elements of a list are told apart.
_IDS: Final = ("external_id", "id")
_STEP: Final = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]{1,6})\]")


class Basis(enum.StrEnum):
    """What is corrected."""

    #: The canonical order, as the mapping made it.
    ORDER = "order"
    #: The document of the shop, where no order can be made of it.
    SOURCE = "source"


class _Missing(enum.Enum):
    """A field that is not there at all."""

    MISSING = "missing"


MISSING: Final = _Missing.MISSING


@dataclasses.dataclass(frozen=True, slots=True)
class Element:
    """An element of a list, by its own id."""

    key: str
    value: str | int


Step = str | Element


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One place of a document; `MISSING` where there is, or is to be, nothing."""

    path: tuple[Step, ...]
    before: Any
    after: Any

    def __str__(self) -> str:
        """`lines[external_id=12].sku`."""
        text = ""
        for step in self.path:
            text += f"[{step.key}={step.value}]" if isinstance(step, Element) else f".{step}" if text else step
        return text

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        path = [{"key": step.key, "value": step.value} if isinstance(step, Element) else step for step in self.path]
        values = (("before", self.before), ("after", self.after))
        return {"path": path, **{name: value for name, value in values if value is not MISSING}}


@dataclasses.dataclass(frozen=True, slots=True)
class Correction:
    """One that is kept."""

    number: int
    basis: Basis
    changes: tuple[Change, ...]
    reason: str
    made_at: dt.datetime
    made_by: str
    ended_at: dt.datetime | None = None
    ended_by: str = ""
    ended_reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Conflict:
    """A change that does not hold any more, and what stands in its place now."""

    change: Change
    found: Any

    @property
    def problem(self) -> Problem:
        """As it stops the order."""
        return Problem(
            cause=CAUSE,
            path=str(self.change),
            reason=say(
                "corrected from %(before)s to %(after)s, and the shop says %(found)s since",
                before=told(self.change.before),
                after=told(self.change.after),
                found=told(self.found),
            ),
            next_step=say("correct it anew on the order's page, or take the correction back"),
        )


def read_correction(kept: KeptCorrection) -> Correction:
    """As the store has it."""
    return Correction(
        number=kept.number,
        basis=Basis(kept.basis),
        changes=read_changes(load_json(unpack(kept.changes))),
        reason=kept.reason,
        made_at=kept.made_at,
        made_by=kept.made_by,
        ended_at=kept.ended_at,
        ended_by=kept.ended_by,
        ended_reason=kept.ended_reason,
    )


def read_changes(entries: Iterable[dict[str, Any]]) -> tuple[Change, ...]:
    """What `Change.to_json` wrote. Raises ValueError for anything else."""
    try:
        return tuple(
            Change(
                _read_path(entry["path"]),
                entry.get("before", MISSING),
                entry.get("after", MISSING),
            )
            for entry in entries
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no list of changes") from error


def _read_path(steps: Sequence[Any]) -> tuple[Step, ...]:
    if not steps:
        raise ValueError("a change of no place")
    return tuple(step if isinstance(step, str) else Element(step["key"], step["value"]) for step in steps)


def first_by(corrections: Sequence[Correction], change: Change) -> Correction:
    """Whose word a change of the newest of some corrections is: the first that said it, and nobody has said else since.

    `corrections` are the oldest first, without those that were taken back; the change is of the last of its kind.
    """
    newest = next(each for each in reversed(corrections) if change in each.changes)
    found = newest
    for each in reversed([each for each in corrections if each.basis is newest.basis]):
        if not any(one.path == change.path and same(one.after, change.after) for one in each.changes):
            break
        found = each
    return found


def told(value: Any) -> str:
    """A value in a sentence."""
    return say("nothing") if value is MISSING else shown(value)


# --- what is different -------------------------------------------------------------------------------------------


def differences(before: Any, after: Any, *, apart: bool = False) -> tuple[Change, ...]:
    """The changes that make the one document of the other.

    A list whose elements are not the same ones is one value; with `apart` each that came or went is a change.
    """
    return tuple(_differences((), before, after, apart))


def _differences(path: tuple[Step, ...], before: Any, after: Any, apart: bool) -> Iterator[Change]:  # noqa: FBT001
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _differences((*path, name), before.get(name, MISSING), after.get(name, MISSING), apart)
        return
    key = _key_of(before, after, apart)
    if key:
        old, now = ({element[key]: element for element in each} for each in (before, after))
        for value in {**old, **now}:
            element = Element(key, value)
            yield from _differences((*path, element), old.get(value, MISSING), now.get(value, MISSING), apart)
        return
    if not same(before, after):
        yield Change(path, before, after)


def _key_of(before: Any, after: Any, apart: bool) -> str:  # noqa: FBT001
    """By which the elements of both lists are told apart; empty where they are not the same ones, unless `apart`."""
    for key in _IDS:
        one, other = _ids(before, key), _ids(after, key)
        if one and other and (apart or one == other):
            return key
    return ""


def _ids(value: Any, key: str) -> list[str | int]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return []
    ids = [each.get(key) for each in value]
    fit = all(isinstance(each, str | int) and not isinstance(each, bool) for each in ids)
    return ids if fit and len(set(ids)) == len(ids) else []


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 is not true, and 1.0 is not 1."""
    if one is MISSING or other is MISSING:
        return one is other
    return dump_json(one) == dump_json(other)


# --- laying them over --------------------------------------------------------------------------------------------


def lay_over(document: Any, changes: Sequence[Change]) -> tuple[Any, tuple[Conflict, ...]]:
    """The document with every change that holds, and those that do not. What is so already is no conflict."""
    made, conflicts = copy.deepcopy(document), []
    for change in changes:
        found = find(made, change.path)
        if same(found, change.after):
            continue
        if not same(found, change.before) or not _put(made, change):
            conflicts.append(Conflict(change, found))
    return made, tuple(conflicts)


def find(document: Any, path: Sequence[Step]) -> Any:
    """What stands in a place; MISSING where there is no such place."""
    for step in path:
        if isinstance(step, Element):
            document = next((each for each in _elements(document) if each.get(step.key) == step.value), MISSING)
        else:
            document = document.get(step, MISSING) if isinstance(document, dict) else MISSING
    return document


def _elements(value: Any) -> Iterator[dict[str, Any]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _put(document: Any, change: Change) -> bool:
    above, last = find(document, change.path[:-1]), change.path[-1]
    if not isinstance(above, dict) or isinstance(last, Element):
        return False
    if change.after is MISSING:
        above.pop(last, None)
    else:
        above[last] = copy.deepcopy(change.after)
    return True


# --- fields as people write them ---------------------------------------------------------------------------------


def set_field(document: Any, field: str, value: Any) -> None:
    """Put a value where `lines[0].sku` is. Raises LookupError where there is no such place."""
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(field)]
    if not steps or "".join(match.group(0) for match in _STEP.finditer(field)) != field:
        raise LookupError(field)
    for step in steps[:-1]:
        document = _below(document, step, field)
    last = steps[-1]
    # A field that is not there yet may be wanted; whether there is such a one, the schema says.
    if not (isinstance(last, str) and isinstance(document, dict)):
        _below(document, last, field)
    document[last] = value


def _below(document: Any, step: str | int, field: str) -> Any:
    fits = isinstance(document, list) if isinstance(step, int) else isinstance(document, dict)
    try:
        if fits:
            return document[step]
    except (KeyError, IndexError):
        pass
    raise LookupError(field)


def get_field(document: Any, field: str) -> Any:
    """What stands where `lines[0].sku` is. Raises LookupError."""
    for name, index in _STEP.findall(field):
        document = _below(document, name or int(index), field)
    return document


def field_of(document: Any, path: Sequence[Step]) -> str:
    """A place as `set_field` takes it, and as lineage tells it: `lines[0].sku`."""
    text = ""
    for step in path:
        if isinstance(step, Element):
            place = next((n for n, each in enumerate(document) if each.get(step.key) == step.value), 0)
            text, document = f"{text}[{place}]", document[place] if document else {}
        else:
            text = f"{text}.{step}" if text else step
            document = document.get(step, {}) if isinstance(document, dict) else {}
    return text
