"""The forecast: values of the shop that no look-up row and no ERP knows, before an order is stopped by them.

Read are the orders that are stored, whatever became of them, and before go-live the newest ones of the shop itself.
Each is mapped as a drain would do it, and the ERP is asked once for everything that they need; nothing is written but
the report.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from config.model import Depth, Mode, StatusAction
from connectors.kit.stock import StockSource
from connectors.registry import has
from mappings.base import NO_FACTS
from mappings.canonical.errors import Problems, facts_told
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from sync.desk.causes import lookup_of
from sync.rules.asking import only_sends
from sync.rules.corrected import NONE, Standing, load_standings, read_corrected
from sync.rules.lookup_tables import choices_of
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.patterns import Glob
from sync.rules.references import resolve, table_of
from sync.rules.similar import Similar, Suggestion
from sync.rules.systems import ChannelSystems
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.lookups import load_rows
from sync.store.newest import newest_payloads
from sync.store.orders import carried_skus
from sync.store.reports import Report, last_report, save_report
from sync.store.stock.levels import known_articles

KIND: Final = "forecast"
DAYS: Final = 90
#: Orders that are read at most: the newest of them.
_MOST_STORED: Final = 5_000
_MOST_IN_SHOP: Final = 500
_MOST_LISTED: Final = 20_000
_MOST_ARTICLES: Final = 100_000
#: Orders whose articles the ERP is known to have.
_CARRIED: Final = 1_000
#: Order numbers that are named with a gap.
_EXAMPLES: Final = 3
#: Gaps for which something similar is looked for, those of most orders first.
_SUGGESTED: Final = 200
#: What no table translates: the party comes from the match ladder, the others from the configuration.
_OTHER_KINDS: Final = frozenset({"party", "company", "web_shop", "warehouse"})
_ARTICLES: Final = "sku"


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """A value that nobody knows, and what it would stop."""

    table: str
    value: str
    #: What a row makes of it already, where the ERP does not know that; empty where there is no row.
    mapped: str
    #: Whether an order waits for it; else it goes without (a carrier, a region).
    stops: bool
    orders: int
    #: Currency -> what they are worth together; orders that cannot be read are not in it.
    money: Mapping[str, Decimal]
    #: Numbers of some of them.
    examples: tuple[str, ...]
    #: What orders told the table beside the value, as a row's conditions say it, those of most orders first.
    facts: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """What was found for one channel."""

    channel: str
    at: dt.datetime
    days: int
    #: Orders that were read, and of them read in the shop itself.
    orders: int
    in_shop: int
    #: Those that stop most orders first.
    gaps: tuple[Gap, ...]


@dataclasses.dataclass(slots=True)
class _Count:
    mapped: str = ""
    stops: bool = False
    orders: int = 0
    money: dict[str, Decimal] = dataclasses.field(default_factory=dict)
    examples: list[str] = dataclasses.field(default_factory=list)
    facts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


def forecast(store: Store, systems: ChannelSystems, *, days: int = DAYS, shop: bool | None = None) -> Forecast:
    """Look at the orders of the last days and keep the report.

    `shop`: whether its newest orders are read too; None: only where nothing is stored. Raises Transient,
    ConnectionBroken when a system that is asked cannot be read.
    """
    made, codes, systems = _looked(store, systems, days=days, shop=shop, most=_MOST_STORED)
    made = dataclasses.replace(made, gaps=_with_suggestions(store, systems, made.gaps, codes))
    ok = not any(gap.stops for gap in made.gaps)
    store.write(lambda c: save_report(c, KIND, made.channel, ok=ok, body=to_json(made)))
    return made


def look_ahead(store: Store, systems: ChannelSystems, *, most: int) -> Forecast:
    """The same of the newest orders alone, without suggestions, and not kept: for who looks at much else beside."""
    return _looked(store, systems, days=DAYS, shop=None, most=most)[0]


def _looked(
    store: Store, systems: ChannelSystems, *, days: int, shop: bool | None, most: int
) -> tuple[Forecast, set[str], ChannelSystems]:
    """(what was found, the ERP's codes of articles that were found, the systems with their look-ups)."""
    now = dt.datetime.now(dt.UTC)
    since = now - dt.timedelta(days=days)
    name = systems.channel.name
    lookups = store.read(lambda c: load_lookups(c, systems.channel))
    systems = systems.asking(lookups)
    stored = store.read(lambda c: newest_payloads(c, name, since, most))
    corrected = store.read(lambda c: load_standings(c, [each.item_id for each in stored]))
    standings = {each.external_id: corrected[each.item_id] for each in stored if each.item_id in corrected}
    payloads = {each.external_id: load_json(unpack(each.body)) for each in stored}
    in_shop = 0
    if shop or (shop is None and not payloads):
        found = dict(_in_shop(systems, since, now, min(most, _MOST_IN_SHOP)))
        in_shop = len(found)
        payloads |= found
    orders, unread = _mapped(systems, lookups, payloads, standings)
    gaps, codes = _gaps(systems, lookups, orders, unread)
    return Forecast(name, now, days, len(payloads), in_shop, gaps), codes, systems


# --- reading ----------------------------------------------------------------------------------------------------


def _in_shop(
    systems: ChannelSystems, since: dt.datetime, until: dt.datetime, most: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(external id, payload) of the shop's newest orders; nothing of one that cannot be asked."""
    if only_sends(systems.source):
        return
    listed = itertools.islice(systems.source.list_orders(since, until), _MOST_LISTED)
    newest = sorted(listed, key=lambda row: row.placed_at, reverse=True)[:most]
    ids, size = [row.external_id for row in newest], systems.source.fetch_batch
    for start in range(0, len(ids), size):
        for envelope in systems.source.fetch_orders(ids[start : start + size]):
            if not envelope.deleted:
                yield envelope.external_id, envelope.payload


def _mapped(
    systems: ChannelSystems,
    lookups: Lookups,
    payloads: Mapping[str, dict[str, Any]],
    standings: Mapping[str, Standing],
) -> tuple[list[Order], list[tuple[str, Problems]]]:
    """(orders that would be imported now or later, what is wrong with those that cannot be read)."""
    reading, orders, unread = systems.reading(lookups), [], []
    for external_id, payload in payloads.items():
        try:
            standing = standings.get(external_id, NONE)
            order = read_corrected(systems.source_mapping, payload, reading, standing).order
        except Problems as error:
            unread.append((external_id, error))
            continue
        action, _ = systems.channel.policies.status_action(order.state, order.payment_state)
        if action in {StatusAction.IMPORT, StatusAction.WAIT}:
            orders.append(order)
    return orders, unread


# --- what nobody knows ------------------------------------------------------------------------------------------


def _gaps(
    systems: ChannelSystems, lookups: Lookups, orders: Sequence[Order], unread: Sequence[tuple[str, Problems]]
) -> tuple[tuple[Gap, ...], set[str]]:
    """(gaps, the ERP's codes of articles that were found)."""
    wanted, unread = {}, [*unread]
    for order in orders:
        try:
            wanted[order.external_id] = needed_of(systems, order)
        except Problems as error:
            unread.append((order.number, error))
    known = resolve(frozenset[Ref]().union(*wanted.values()), lookups, systems.target)
    counts: dict[tuple[str, str], _Count] = collections.defaultdict(_Count)
    for order in orders:
        missing = {
            (table_of(ref), ref.value): (ref, not ref.optional)
            for ref in wanted.get(order.external_id, ())
            if lacks(ref, known)
        }
        for key, (ref, stops) in missing.items():
            found = lookups.find(*key, ref.hint)
            counts[key].mapped = "" if found is None else found.value
            _add(counts[key], order.number, stops=stops, order=order)
        for key in _unmapped_payment(systems, lookups, order):
            if key not in missing:
                _add(counts[key], order.number, stops=True, order=order)
    for number, problems in unread:
        for asked, facts in _asked(problems).items():
            _add(counts[asked], number, stops=True)
            counts[asked].facts.update(facts)
    gaps = [
        Gap(*key, each.mapped, each.stops, each.orders, each.money, tuple(each.examples), _most(each.facts))
        for key, each in counts.items()
    ]
    gaps.sort(key=lambda gap: (not gap.stops, -gap.orders, gap.table, gap.value))
    codes = {lookups.text(_ARTICLES, ref.value, ref.value) for ref in known if ref.kind == "product"}
    return tuple(gaps), codes


def needed_of(systems: ChannelSystems, order: Order) -> frozenset[Ref]:
    """What the order needs of the ERP and a look-up row could name."""
    options, facets = systems.target_options, systems.erp_facets
    refs = set(systems.target_mapping.references(order, options))
    after = systems.channel.after_import
    if facets is not None and after.payments is not Depth.NONE:
        refs |= {ref for payment in order.payments for ref in facets.payment_references(payment, options)}
    if facets is not None and after.fees is not Depth.NONE:
        refs |= {ref for payment in order.payments if payment.fee for ref in facets.fee_references(payment, options)}
    return frozenset(ref for ref in refs if ref.value and ref.kind not in _OTHER_KINDS)


def lacks(ref: Ref, known: Mapping[Ref, dict[str, Any]]) -> bool:
    """Also where the ERP has several and cannot say which. A tax of nothing may stay unknown: it adds nothing."""
    found = known.get(ref)
    return (found is None or found.get("id", "") is None) and not (ref.kind == "tax" and ref.optional)


def _unmapped_payment(systems: ChannelSystems, lookups: Lookups, order: Order) -> list[tuple[str, str]]:
    """The payment method, where orders are held that have none in the table."""
    held = systems.channel.policies.rules["payment_method"] is Mode.HOLD
    method = order.payment_method
    return [("payment_method", method)] if held and method and lookups.find("payment_method", method) is None else []


def _asked(problems: Problems) -> dict[tuple[str, str], set[str]]:
    """(table, value) -> what else the table was told, for each row that one document has not found."""
    asked: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for problem in problems.problems:
        if (key := lookup_of(problem.cause, problem.subject)) is not None:
            asked[key].update({problem.facts} - {""})
    return asked


def _most(facts: collections.Counter[str]) -> tuple[str, ...]:
    return tuple(told for told, _ in facts.most_common(_EXAMPLES))


def _add(count: _Count, number: str, *, stops: bool, order: Order | None = None) -> None:
    count.orders += 1
    count.stops = count.stops or stops
    if len(count.examples) < _EXAMPLES:
        count.examples.append(number)
    if order is not None:
        grand = order.totals.grand
        count.money[grand.currency] = count.money.get(grand.currency, Decimal(0)) + grand.amount


# --- what may be meant ------------------------------------------------------------------------------------------


def _with_suggestions(store: Store, systems: ChannelSystems, gaps: Sequence[Gap], codes: set[str]) -> tuple[Gap, ...]:
    similar: dict[str, Similar] = {}
    found = []
    for number, gap in enumerate(gaps):
        if number < _SUGGESTED:
            if gap.table not in similar:
                similar[gap.table] = Similar(_names(store, systems, gap.table, codes))
            suggestions = [
                each for each in similar[gap.table].to(gap.value) if each.target not in {gap.value, gap.mapped}
            ]
            gap = dataclasses.replace(gap, suggestions=tuple(suggestions))  # noqa: PLW2901 - the same one
        found.append(gap)
    return tuple(found)


def _names(store: Store, systems: ChannelSystems, table: str, codes: Iterable[str]) -> dict[str, str]:
    """What a value of the table can be like -> what it would then be: the ERP's articles, and what rows have said."""
    names = known_names(store, systems.channel.erp, table)
    if table == _ARTICLES:
        if not store.read(lambda c: known_articles(c, systems.channel.erp)):
            names |= {code: code for code in _articles(systems)}
        names |= {code: code for code in codes}
    return names


def known_names(store: Store, erp: str, table: str) -> dict[str, str]:
    """The same as far as our own database knows it: nobody is asked."""
    rows = store.read(lambda c: load_rows(c, table_name=table))
    names = {choice: choice for choice in choices_of(table)}
    names |= {row.target: row.target for row in rows}
    names |= {glob.pieces[0]: row.target for row in rows if (glob := Glob.read(row.key.value)).is_exact}
    if table == _ARTICLES:
        translated = {row.key.value for row in rows}
        carried = store.read(lambda c: carried_skus(c, erp, _CARRIED))
        names |= {sku: sku for sku in carried if sku not in translated}
        names |= {code: code for code in store.read(lambda c: known_articles(c, erp))}
    return names


def _articles(systems: ChannelSystems) -> list[str]:
    """What the ERP has in stock, where that was never read: before go-live nothing else tells its articles."""
    if not has(systems.target, StockSource):
        return []
    target = cast("StockSource", systems.target)
    locations = [place.code for place in target.list_locations()]
    readings = itertools.chain.from_iterable(target.read_stock(locations))
    return sorted({reading.sku for reading in itertools.islice(readings, _MOST_ARTICLES)})


# --- the report -------------------------------------------------------------------------------------------------


def to_json(found: Forecast) -> dict[str, Any]:
    """As JSON: amounts are text, times ISO."""
    body = dataclasses.asdict(found)
    body["at"] = found.at.isoformat()
    for gap in body["gaps"]:
        gap["money"] = [{"currency": currency, "total": f"{amount:f}"} for currency, amount in gap["money"].items()]
    return body


def last_forecast(store: Store, channel: str) -> Forecast | None:
    """What was found when somebody last looked, without the gaps that a row has closed since."""
    report: Report | None = store.read(lambda c: last_report(c, KIND, channel))
    if report is None:
        return None
    body = report.body
    gaps = tuple(
        Gap(
            gap["table"],
            gap["value"],
            gap["mapped"],
            gap["stops"],
            gap["orders"],
            {each["currency"]: Decimal(each["total"]) for each in gap["money"]},
            tuple(gap["examples"]),
            tuple(gap.get("facts", ())),
            tuple(Suggestion(each["target"], each["likeness"]) for each in gap["suggestions"]),
        )
        for gap in body["gaps"]
    )
    at = dt.datetime.fromisoformat(body["at"])
    return Forecast(channel, at, body["days"], body["orders"], body["in_shop"], gaps)


def closed_since(lookups: Lookups, found: Forecast) -> Forecast:
    """The same without the gaps for which a row says something else by now."""
    return dataclasses.replace(found, gaps=tuple(gap for gap in found.gaps if _is_open(lookups, gap)))


def _is_open(lookups: Lookups, gap: Gap) -> bool:
    told: list[Mapping[str, str]] = [facts_told(each) for each in gap.facts]
    return any(lookups.text(gap.table, gap.value, facts=facts) == gap.mapped for facts in told or [NO_FACTS])
