"""The workbench of mapping profiles: a text as it is being written, tried on one real document.

Nothing is asked of a system and nothing is written. What the ERP would answer is a stand-in, as in a replay; the calls
themselves are a dry run's (`sync.work.rehearse`).
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from config.model import Config, ProfileFile
from config.problems import ConfigError, Problem
from connectors.csvfiles import CsvFiles, FileRefused
from mappings.canonical.errors import Problem as Fault
from mappings.canonical.errors import Problems
from mappings.canonical.jsontext import read_json
from mappings.canonical.schemas import order_to_json
from mappings.profiles import Profile, ProfileError
from mappings.profiles.checks import Finding, check_profile
from mappings.profiles.lineage import Origin
from mappings.profiles.model import NONE
from mappings.profiles.required import needed
from mappings.profiles.tables import KnownTables
from mappings.registry import SOURCES
from sync.desk.lineage import Making
from sync.desk.lookups import facts_by_table
from sync.desk.phrases import Refusal, say
from sync.desk.profile_texts import applying_text
from sync.desk.profiles import demand_profile
from sync.desk.regression import differences
from sync.desk.shop_news import shop_news
from sync.desk.totals import TotalsProof, prove_totals
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.systems import ChannelSystems, Systems
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.history import load_received
from sync.store.listed import Listed
from sync.store.orders import load_order
from sync.store.revisions import Draft, load_draft, published_number
from sync.store.search import Paging, Sort, Wanted, load_page
from sync.store.states import STOPPED, ItemState

#: Characters of a sample that somebody brings along.
MAX_SAMPLE: Final = 200_000
#: How problems name the text that is being written.
TEXT: Final = "draft"
_PICKED: Final = 25


# --- what it is tried on ----------------------------------------------------------------------------------------


def list_samples(store: Store, config: Config, channel: str, text: str = "") -> list[Listed]:
    """Orders to try a text on: those that are stopped first, then the others, the last that anything happened to first.

    `text` is a number, e-mail, SKU or name, as in every search for orders.
    """
    targets = {channel: config.channels[channel].erp}
    others = tuple(state for state in ItemState if state not in STOPPED)
    paging = Paging(sort=Sort.CHANGED, limit=_PICKED)

    def read(connection: Connection) -> list[Listed]:
        found: list[Listed] = []
        for states in (STOPPED, others):
            if len(found) < _PICKED:
                wanted = Wanted(text=text, channel=channel, states=states)
                found += load_page(connection, wanted, paging, targets).rows
        return found[:_PICKED]

    return store.read(read)


def stored_sample(store: Store, config: Config, channel: str, external_id: str) -> dict[str, Any] | None:
    """The newest payload of a stored order; None where there is none of it (any more)."""
    known = config.channels[channel]

    def read(connection: Connection) -> bytes | None:
        order = load_order(connection, channel, external_id, known.erp)
        return None if order is None else load_received(connection, order.item_id, known.source)

    body = store.read(read)
    return None if body is None else load_json(unpack(body))


def read_sample(source: object, body: bytes, order: str = "") -> str:
    """One order out of a file, as the JSON in which its source would give it.

    A file of JSON has one order, or a list of them; where `source`, the connector, takes CSV files, those too. `order`
    is the one that is meant, in a list its place from 1; the first where it is empty. Raises Refusal.
    """
    if body.lstrip()[:1] in {b"{", b"["}:
        payload = _of_json(body, order)
    elif isinstance(source, CsvFiles):
        payload = _of_csv(source, body, order)
    else:
        raise Refusal(say("the file is no JSON; expected one order, or a list of orders"))
    text = json.dumps(payload, ensure_ascii=False, indent=1, default=str)
    if len(text) > MAX_SAMPLE:
        raise Refusal(say("the order has %(count)s characters; expected %(most)s", count=len(text), most=MAX_SAMPLE))
    return text


def _of_json(body: bytes, order: str) -> Any:
    try:
        found = read_json(body)
    except Problems as error:
        raise Refusal(say("the sample cannot be read: %(reason)s", reason=error)) from error
    if not isinstance(found, list):
        return found
    place = int(order) if order.isascii() and order.isdecimal() and len(order) < 7 else 1  # noqa: PLR2004 - a place
    if not 1 <= place <= len(found):
        raise Refusal(say("the file has %(count)s orders, and none at place %(place)s", count=len(found), place=place))
    return found[place - 1]


def _of_csv(files: CsvFiles, body: bytes, order: str) -> Mapping[str, Any]:
    try:
        sheet = files.read(io.BytesIO(body))
    except FileRefused as error:
        raise Refusal(say("the sample cannot be read: %(reason)s", reason=error)) from error
    for envelope in sheet.envelopes():
        if order in {"", envelope.external_id}:
            return envelope.payload
    if order:
        raise Refusal(say("the file has no whole order %(order)s", order=order))
    raise Refusal(say("the file has no whole order"))


def parse_sample(text: str) -> dict[str, Any]:
    """A sample that somebody brought along, as it stands in the form. Raises Refusal."""
    found = _of_json(text.encode("utf-8", "replace"), "")
    if not isinstance(found, dict):
        raise Refusal(say("the sample is no object; expected one order"))
    return found


# --- what is tried ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Beginning:
    """What somebody who opens the workbench begins with."""

    text: str
    #: The revision that the text was made from, 0 where there is none.
    base: int
    draft: Draft | None


def begin(store: Store, config: Config, channel: str) -> Beginning:
    """The draft, else what applies, else the least that a profile says."""
    draft, number = store.read(lambda c: (load_draft(c, channel), published_number(c, channel)))
    if draft is not None:
        return Beginning(draft.text, draft.base, draft)
    text = applying_text(store, config, channel).text
    return Beginning(text or starter(channel, config.connections[config.channels[channel].source].system), number, None)


def starter(channel: str, system: str) -> str:
    """A profile to begin with: over the source's own mapping, or the fields that a whole one must write."""
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in channel.lower()).strip("-")
    top = f"profile: {name if name[:1].isalpha() else 'own'}\n"
    if system in SOURCES:
        return f"{top}extends: {system}\nsource:\n  order: []\n"
    order = "".join(f"    # - {{to: {field}, copy: source.}}\n" for field in needed("order"))
    lines = "".join(f"      # - {{to: {field}, copy: item.}}\n" for field in needed("lines"))
    return f"{top}extends: {NONE}\nsource:\n  order:\n{order}  lines:\n    each: source.\n    rules:\n{lines}"


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """What one document becomes."""

    order: Mapping[str, Any]
    payload: Mapping[str, Any]
    #: Part of the shop -> what it would be told, with a parcel and an invoice that are made up.
    shop: Mapping[str, Any]
    totals: TotalsProof
    #: Of every field, those of the payload with `erp.` before them.
    origins: tuple[Origin, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """A text, and what it makes of a document."""

    profile: Profile | None
    #: Why the text is no profile; nothing else is known then.
    problems: tuple[Problem, ...] = ()
    #: What is doubtful about it.
    findings: tuple[Finding, ...] = ()
    made: Made | None = None
    #: Why the document stops.
    faults: tuple[Fault, ...] = ()
    #: What applies maps the document; without, there is nothing to compare.
    comparable: bool = False
    #: (field, before, after) of what is not as what applies makes it.
    changes: tuple[tuple[str, str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the text is a profile, and the document, if there is one, is mapped by it."""
        return self.profile is not None and not self.faults


def try_text(store: Store, systems: Systems, channel: str, text: str, sample: Mapping[str, Any] | None) -> Tried:
    """Check a text, and map a document by it and by what applies. Raises SystemMissing, ConnectorError."""
    try:
        profile = demand_profile(systems.config, channel, text, TEXT)
    except ConfigError as error:
        return Tried(None, error.problems)
    then = systems.channel(channel, ProfileFile(TEXT, text))
    lookups, tables = store.read(lambda c: (load_lookups(c, then.channel), facts_by_table(c)))
    findings = tuple(_checked(profile, sample, tables))
    if sample is None:
        return Tried(profile, findings=findings)
    made = _make(then, lookups, sample)
    if not isinstance(made, Made):
        return Tried(profile, findings=findings, faults=made)
    before = _as_it_applies(systems, channel, lookups, sample)
    if before is None:
        return Tried(profile, findings=findings, made=made)
    old, new = ({**each.order, "erp": each.payload, "shop": each.shop} for each in (before, made))
    changes = tuple(dict.fromkeys(differences(old, new)))
    return Tried(profile, findings=findings, made=made, comparable=True, changes=changes)


def _checked(profile: Profile, sample: Mapping[str, Any] | None, tables: KnownTables) -> list[Finding]:
    samples = [] if sample is None else [dict(sample)]
    return check_profile(profile, SOURCES.get(profile.extends), samples, tables)


def _as_it_applies(systems: Systems, channel: str, lookups: Lookups, sample: Mapping[str, Any]) -> Made | None:
    """None where what applies does not map the document, or cannot be read any more."""
    try:
        made = _make(systems.channel(channel), lookups, sample)
    except ProfileError:
        return None
    return made if isinstance(made, Made) else None


def _make(systems: ChannelSystems, lookups: Lookups, sample: Mapping[str, Any]) -> Made | tuple[Fault, ...]:
    making = Making(systems, lookups)
    try:
        order, origins = making.order(dict(sample))
        payload, of_sale = making.sale(order)
        news = shop_news(systems.asking(lookups), order)
    except Problems as error:
        return error.problems
    written = order_to_json(order)
    return Made(written, payload, news, prove_totals(written), (*origins, *of_sale))
