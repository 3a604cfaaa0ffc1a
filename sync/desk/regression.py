"""What another profile would change: the newest real orders of a channel, mapped by both, and told field by field.

Nothing is asked of a system and nothing is written. Both sides read the same payloads with what people have corrected
of them and the look-up rows as they are now, and go on to what the ERP and the shop would get, with stand-ins for what
the ERP would answer: each difference is the profile's.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from sync.desk.phrases import say
from sync.desk.pseudonyms import Pseudonyms
from sync.desk.shop_news import shop_news
from sync.rules.corrected import NONE, Standing, load_standings, read_corrected
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.systems import ChannelSystems
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.newest import newest_payloads

#: Documents that are compared unless somebody says otherwise.
DOCUMENTS: Final = 200
_EVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: Pairs of values that are told of one field; the others are counted together.
_PAIRS: Final = 10
#: Orders that are named with a difference, and characters of a value.
_EXAMPLES: Final = 3
_SHOWN: Final = 80
#: Documents that newly fail or newly pass and are told one by one.
_LISTED: Final = 50
#: Where a value is not there at all.
_NOTHING: Final = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One field that becomes another one in some orders."""

    #: `lines[].tax_class`, `erp.lines[].x_note`: any element of a list is the same field.
    path: str
    #: As JSON, cut; both empty for all the pairs of values that are not told one by one.
    before: str
    after: str
    orders: int
    examples: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Turned:
    """An order that can be mapped on one side alone, with what is said against it on the other."""

    external_id: str
    #: (path, reason)
    reasons: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Replay:
    """What was compared, and what came of it."""

    channel: str
    documents: int
    #: Orders that are mapped on both sides, and not to the same.
    changed: int
    #: Orders that cannot be mapped on either side.
    fail_still: int
    newly_fail: int
    newly_pass: int
    #: The field that changes in most orders first.
    changes: tuple[Change, ...]
    #: The first of those that newly fail, and that newly pass.
    failing: tuple[Turned, ...]
    passing: tuple[Turned, ...]

    @property
    def differing(self) -> int:
        """Orders of which anything is different."""
        return self.changed + self.newly_fail + self.newly_pass

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        body = dataclasses.asdict(self)
        for name in ("failing", "passing"):
            for turned in body[name]:
                turned["reasons"] = [{"path": path, "reason": str(reason)} for path, reason in turned["reasons"]]
        return body


def replay(store: Store, now: ChannelSystems | None, then: ChannelSystems, *, documents: int = DOCUMENTS) -> Replay:
    """Map the newest documents of a channel by what applies (`now`) and by something else (`then`).

    Without `now`, what applies cannot be read and maps nothing.
    """
    lookups = store.read(lambda c: load_lookups(c, then.channel))
    before, after = None if now is None else Side(now, lookups), Side(then, lookups)
    count = _Count(then.channel.name)
    for document in newest_documents(store, then, documents):
        old = _UNREADABLE if before is None else before.mapped(document)
        count.add(document.external_id, old, after.mapped(document))
    return count.told()


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """An order as its shop sent it last, and what people have corrected of it."""

    external_id: str
    payload: dict[str, Any]
    standing: Standing


def newest_documents(store: Store, systems: ChannelSystems, limit: int) -> Iterator[Document]:
    """The newest orders; packed until they are looked at."""
    name = systems.channel.name
    found = store.read(lambda c: newest_payloads(c, name, _EVER, limit))
    corrected = store.read(lambda c: load_standings(c, [each.item_id for each in found]))
    for each in found:
        yield Document(each.external_id, load_json(unpack(each.body)), corrected.get(each.item_id, NONE))


def masked_documents(store: Store, systems: ChannelSystems, limit: int) -> Iterator[dict[str, Any]]:
    """The payloads of the newest orders with pseudonyms for names, e-mails, phones and streets; all else as it is."""
    side = Side(systems, store.read(lambda c: load_lookups(c, systems.channel)))
    pseudonyms = Pseudonyms()
    for document in newest_documents(store, systems, limit):
        # What people have corrected does not stand in what the shop sent.
        found = side.order(dataclasses.replace(document, standing=NONE))
        yield pseudonyms.mask(document.payload, found if isinstance(found, Order) else None)


#: What is said against every order where what applies cannot be read.
_UNREADABLE: Final = (Problem("mapping", "", say("what is published cannot be read any more")),)


class Side:
    """One of the two mappings."""

    def __init__(self, systems: ChannelSystems, lookups: Lookups) -> None:
        self._systems = systems.asking(lookups)
        self._reading = systems.reading(lookups)

    def order(self, document: Document) -> Order | tuple[Problem, ...]:
        """The order as it counts, or what is wrong."""
        mapping = self._systems.source_mapping
        try:
            return read_corrected(mapping, document.payload, self._reading, document.standing).order
        except Problems as error:
            return error.problems

    def mapped(self, document: Document) -> dict[str, Any] | tuple[Problem, ...]:
        """The order's JSON with the ERP's payload as `erp` and the shop's as `shop`, or what is wrong."""
        order = self.order(document)
        if not isinstance(order, Order):
            return order
        mapping, options = self._systems.target_mapping, self._systems.target_options
        try:
            sale = mapping.sale(order, mapping.offline_references(order, options), options)
            news = shop_news(self._systems, order)
        except Problems as error:
            return error.problems
        return {**order_to_json(order), "erp": sale, "shop": news}


class _Count:
    """The differences so far; what it keeps grows with the fields that differ and not with the documents."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._documents = self._changed = self._fail_still = 0
        #: Field -> (before, after) -> the orders.
        self._pairs: dict[str, dict[tuple[str, str], _Orders]] = collections.defaultdict(dict)
        self._failing, self._passing = _Turns(), _Turns()

    def add(
        self,
        external_id: str,
        before: Mapping[str, Any] | tuple[Problem, ...],
        after: Mapping[str, Any] | tuple[Problem, ...],
    ) -> None:
        """One document."""
        self._documents += 1
        if isinstance(before, tuple) or isinstance(after, tuple):
            if isinstance(before, tuple) and isinstance(after, tuple):
                self._fail_still += 1
            elif isinstance(after, tuple):
                self._failing.add(external_id, after)
            elif isinstance(before, tuple):
                self._passing.add(external_id, before)
            return
        # A field of a list counts once for each order and pair of values.
        found = set(differences(before, after))
        self._changed += bool(found)
        for path, old, new in found:
            pairs = self._pairs[path]
            key = (old, new) if (old, new) in pairs or len(pairs) < _PAIRS else ("", "")
            pairs.setdefault(key, _Orders()).add(external_id)

    def told(self) -> Replay:
        """All of it."""
        changes = [
            Change(path, *pair, orders.count, tuple(orders.examples))
            for path, pairs in self._pairs.items()
            for pair, orders in pairs.items()
        ]
        changes.sort(key=lambda change: (-change.orders, change.path, change.before))
        return Replay(
            channel=self._channel,
            documents=self._documents,
            changed=self._changed,
            fail_still=self._fail_still,
            newly_fail=self._failing.count,
            newly_pass=self._passing.count,
            changes=tuple(changes),
            failing=tuple(self._failing.listed),
            passing=tuple(self._passing.listed),
        )


class _Orders:
    __slots__ = ("_last", "count", "examples")

    def __init__(self) -> None:
        self.count, self._last = 0, ""
        self.examples: list[str] = []

    def add(self, external_id: str) -> None:
        if external_id == self._last:
            return
        self.count, self._last = self.count + 1, external_id
        if len(self.examples) < _EXAMPLES:
            self.examples.append(external_id)


class _Turns:
    def __init__(self) -> None:
        self.count = 0
        self.listed: list[Turned] = []

    def add(self, external_id: str, problems: Sequence[Problem]) -> None:
        self.count += 1
        if len(self.listed) < _LISTED:
            told = tuple((problem.path, problem.reason) for problem in problems)
            self.listed.append(Turned(external_id, told))


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(field, before, after) of the leaves that differ; elements of lists are compared by their places."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in before.keys() | after.keys():
            below = f"{path}.{name}" if path else name
            yield from differences(before.get(name, _Missing), after.get(name, _Missing), below)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            old, new = (side[index] if index < len(side) else _Missing for side in (before, after))
            yield from differences(old, new, f"{path}[]")
    elif type(before) is not type(after) or before != after:
        yield path, _shown(before), _shown(after)


class _Missing:
    """What is not there."""


def _shown(value: Any) -> str:
    if value is _Missing:
        return _NOTHING
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
