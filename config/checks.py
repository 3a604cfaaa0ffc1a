"""What no single section can know: names that must exist elsewhere, pairs that must differ, files that must be there.

The checks read the texts as written, not what the schemas loaded, so that they speak up together with them; what is of
the wrong kind is the schemas' to say and is passed over here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from config import kinds
from config.fields import Complaint, shown_value
from config.problems import did_you_mean, one_of, visible
from config.state_words import WordsOf, check_state_back
from config.yamlfile import Steps, Tree

Finding = tuple[Steps, Complaint]
_SHARED: Final = ("policies", "schedules")


def cross_check(
    tree: Mapping[str, Tree],
    folder: Path,
    systems: Collection[str] | None,
    *,
    drafts_payments: Callable[[str], bool] = lambda _: True,
    books_fees: Callable[[str], bool] = lambda _: True,
    makes_refunds: Callable[[str], bool] = lambda _: True,
    has_address: Callable[[str], bool] = lambda _: True,
    keeps_accounts: Callable[[str], bool] = lambda _: True,
    makes_accounts: Callable[[str], bool] = lambda _: True,
    tells_accounts: Callable[[str], bool] = lambda _: True,
    state_words: WordsOf | None = None,
) -> Iterator[Finding]:
    """Everything that is wrong between the sections of a whole configuration."""
    connections = dict(_named(tree, "connections"))
    known = {name: _text(connection.get("system")) for name, connection in connections.items()}
    for name, connection in connections.items():
        yield from _connection(("connections", name), connection, folder, systems)
    yield from _addresses(tree.get("connections"), has_address)
    counted = {_text(channel.get("erp")) for _, channel in _named(tree, "channels") if _shows_stock(channel)}
    pairs: dict[tuple[str, str], str] = {}
    for name, channel in _named(tree, "channels"):
        steps: Steps = ("channels", name)
        yield from _ends(steps, channel, _names(tree, "connections"))
        yield from _twice(steps, channel, pairs)
        erp = known.get(_text(channel.get("erp")), "")
        if erp and _payments(channel) == "draft" and (systems is None or erp in systems) and not drafts_payments(erp):
            step = f"{erp} books a payment at once, and nothing can be left for people to post"
            yield (*steps, "after_import", "payments"), Complaint("'draft'", "none or posted", step)
        able = not erp or (systems is not None and erp not in systems) or books_fees(erp)
        yield from _fees(steps, channel, tree.get("policies"), "" if able else erp)
        source = known.get(_text(channel.get("source")), "")
        unable = source if source and (systems is None or source in systems) and not makes_refunds(source) else ""
        yield from _gives_back(steps, channel, unable)
        if state_words is not None and source and (systems is None or source in systems):
            options = _below(connections[_text(channel.get("source"))], "options")
            after = _below(channel, "after_import")
            yield from check_state_back((*steps, "after_import"), after, state_words(source, options))
        if _text(channel.get("erp")) not in counted:
            yield from _asks_unread_stock(steps, channel)
        for section in _SHARED:
            yield from _extended(steps, section, channel.get(section), _names(tree, section))
    accounts = {
        name: _Crm(keeps_accounts(system), makes_accounts(system), tells_accounts(system))
        for name, system in known.items()
        if system and (systems is None or system in systems)
    }
    yield from _crms(tree, known, accounts)
    for name, way in _named(tree, "alerts"):
        yield from _told_of(("alerts", name), way, (*_names(tree, "connections"), *_names(tree, "channels")))


def _told_of(steps: Steps, way: dict[str, Tree], known: tuple[str, ...]) -> Iterator[Finding]:
    """A name that is nobody's would keep every alert back, and nobody would miss one."""
    named = way.get("of")
    for index, value in enumerate(named if isinstance(named, list) else ()):
        if isinstance(value, str) and value not in known:
            yield (*steps, "of", index), _unknown_name(value, "connections or channels", known)


def _named(tree: Mapping[str, Tree], section: str) -> Iterator[tuple[str, dict[str, Tree]]]:
    entries = tree.get(section)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield name, entry


def _names(tree: Mapping[str, Tree], section: str) -> tuple[str, ...]:
    entries = tree.get(section)
    return tuple(entries) if isinstance(entries, dict) else ()


def _unknown_name(value: str, section: str, known: tuple[str, ...]) -> Complaint:
    expected = one_of(known) if known else f"a name that stands under {section}, where there is none yet"
    return Complaint(shown_value(value), expected, did_you_mean(value, known) or f"declare it under {section}")


def _connection(
    steps: Steps, connection: dict[str, Tree], folder: Path, systems: Collection[str] | None
) -> Iterator[Finding]:
    system, ca_file = connection.get("system"), connection.get("ca_file")
    if systems is not None and isinstance(system, str) and system not in systems:
        known = sorted(systems)
        yield (*steps, "system"), Complaint(shown_value(system), one_of(known), did_you_mean(system, known))
    if isinstance(ca_file, str) and not is_file(folder, ca_file):
        yield (*steps, "ca_file"), Complaint(shown_value(ca_file), f"a PEM file, looked for in {folder}")


def _addresses(connections: Tree, has_address: Callable[[str], bool]) -> Iterator[Finding]:
    """Every system has one, but those that are never spoken to."""
    for name, entry in connections.items() if isinstance(connections, dict) else ():
        if entry is not None and not isinstance(entry, dict):
            continue
        connection = entry or {}
        if connection.get("url") is None and has_address(_text(connection.get("system"))):
            yield ("connections", name, "url"), Complaint("nothing", kinds.URL.expected)


def is_file(folder: Path, name: str) -> bool:
    """Whether the configuration's word for a file names one."""
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):
        return False


def _ends(steps: Steps, channel: dict[str, Tree], connections: tuple[str, ...]) -> Iterator[Finding]:
    for end in ("source", "erp"):
        value = channel.get(end)
        if isinstance(value, str) and value not in connections:
            yield (*steps, end), _unknown_name(value, "connections", connections)
    if channel.get("erp") is not None and channel.get("erp") == channel.get("source"):
        yield (*steps, "erp"), Complaint("the same connection as source", "another connection")


def _twice(steps: Steps, channel: dict[str, Tree], pairs: dict[tuple[str, str], str]) -> Iterator[Finding]:
    """Two channels over one pair would each want to make every sale."""
    source, erp = channel.get("source"), channel.get("erp")
    if not isinstance(source, str) or not isinstance(erp, str):
        return
    name = str(steps[-1])
    first = pairs.setdefault((source, erp), name)
    if first != name:
        found = f"the same source and erp as channel {visible(first)}"
        yield steps, Complaint(found, "one channel for each pair", "every order would be made twice", at_key=True)


def _extended(steps: Steps, section: str, value: Tree, known: tuple[str, ...]) -> Iterator[Finding]:
    name: Tree = value.get("extends") if isinstance(value, dict) else value
    if isinstance(name, str) and name not in known:
        at = (*steps, section, "extends") if isinstance(value, dict) else (*steps, section)
        yield at, _unknown_name(name, section, known)


def _payments(channel: dict[str, Tree]) -> str:
    return _text(_below(channel, "after_import").get("payments"))


def _fees(steps: Steps, channel: dict[str, Tree], shared: Tree, unable: str) -> Iterator[Finding]:
    """They need an account, named by the policies of the channel or by what these extend; `unable`: an ERP without."""
    found = _text(_below(channel, "after_import").get("fees"))
    if found not in {"draft", "posted"}:
        return
    own = channel.get("policies")
    base = own if isinstance(own, str) else _text(_below(channel, "policies").get("extends"))
    named = [_below(channel, "policies"), _below(shared if isinstance(shared, dict) else {}, base)]
    if unable:
        step = f"{unable} books no fees of ours: let people book them from the gateway's statement"
        yield (*steps, "after_import", "fees"), Complaint(shown_value(found), "none", step)
    elif not any(_below(policies, "target").get("fee_account") for policies in named):
        step = "name the account of expenses in `policies: {target: {fee_account: ...}}`"
        yield (*steps, "after_import", "fees"), Complaint(f"{shown_value(found)} without an account", "none", step)


def _below(section: Mapping[str, Tree], name: str) -> dict[str, Tree]:
    value = section.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Tree) -> str:
    return value if isinstance(value, str) else ""


def _shows_stock(channel: dict[str, Tree]) -> bool:
    stock = channel.get("stock")
    return isinstance(stock, dict) and stock.get("push") == "on"


def _gives_back(steps: Steps, channel: dict[str, Tree], unable: str) -> Iterator[Finding]:
    """`short: cancel`: the shop gives back what is not sent, and the ERP hears of it; `unable`: a shop that cannot."""
    routing, after = channel.get("routing"), channel.get("after_import")
    if not isinstance(routing, dict) or routing.get("short") != "cancel":
        return
    told = after if isinstance(after, dict) else {}
    found = None
    if unable:
        step = f"{unable} takes no refunds of ours: let people give back what is short, and hold the order"
        found = Complaint("'cancel'", "backorder or hold", step)
    elif told.get("returns") not in {"refund", "payout"}:
        step = "say `returns: refund` (the shop books it) or `returns: payout` (its gateway sends it) in `after_import`"
        found = Complaint("`cancel` where the shop gives no money back by itself", "backorder or hold", step)
    elif told.get("refunds") == "none":
        step = "say `refunds: draft` or `refunds: posted` in `after_import`"
        found = Complaint("`cancel` where the ERP hears of no refund, and would send it", "backorder or hold", step)
    if found is not None:
        yield (*steps, "routing", "short"), found


def _asks_unread_stock(steps: Steps, channel: dict[str, Tree]) -> Iterator[Finding]:
    """Rules that need to know what is in stock, where no channel of the ERP has its stock read."""
    routing = channel.get("routing")
    rules = routing.get("rules") if isinstance(routing, dict) else None
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict) and rule.get("needs") in {None, "has_all"}:
            found = "a rule that needs to know the stock (has_all), which no channel of this ERP reads"
            step = "switch `stock: {push: on}` on for a channel of this ERP, or let the rule need `always`"
            yield (*steps, "routing", "rules", index), Complaint(found, "an ERP whose stock is read", step)


@dataclasses.dataclass(frozen=True, slots=True)
class _Crm:
    """What the system of a connection is able to do as a CRM."""

    keeps: bool = True
    makes: bool = True
    tells: bool = True


def _crms(tree: Mapping[str, Tree], known: Mapping[str, str], able: Mapping[str, _Crm]) -> Iterator[Finding]:
    """`able`: the connections of systems that there are."""
    currencies: dict[str, tuple[str, str]] = {}
    for name, channel in _named(tree, "channels"):
        crm, steps = _below(channel, "crm"), ("channels", name, "crm")
        connection = crm.get("connection")
        if not isinstance(connection, str):
            continue
        can = able.get(connection, _Crm())
        if connection not in known:
            yield (*steps, "connection"), _unknown_name(connection, "connections", _names(tree, "connections"))
        elif connection == channel.get("erp"):
            yield (*steps, "connection"), Complaint("the same connection as erp", "the connection of a CRM")
        elif not can.keeps:
            step = f"{known[connection]} shows nobody what its customers bought: name the connection of a CRM"
            yield (*steps, "connection"), Complaint(shown_value(connection), "a connection that keeps accounts", step)
        else:
            yield from _unable(steps, channel, known[connection], can)
        first, currency = currencies.setdefault(connection, (name, _text(crm.get("currency"))))
        if currency != _text(crm.get("currency")):
            found = f"{visible(_text(crm.get('currency')) or 'no currency')}, unlike channel {visible(first)}"
            step = "an account has one set of figures, and all channels of a CRM count in it"
            at = "currency" if "currency" in crm else "connection"
            yield (*steps, at), Complaint(found, visible(currency or "no currency"), step)


def _unable(steps: Steps, channel: dict[str, Tree], system: str, can: _Crm) -> Iterator[Finding]:
    """What the channel wants of a CRM that this one does not do."""
    crm = _below(channel, "crm")
    if crm.get("create") == "on" and not can.makes:
        step = f"{system} takes no new accounts of ours: let people make them there"
        yield (*steps, "create"), Complaint("'on'", "off", step)
    if (day := crm.get("history_from")) is None:
        return
    if not can.tells:
        step = f"accounts of {system} take no entries of ours: leave `history_from` out"
        yield (*steps, "history_from"), Complaint(shown_value(day), "a CRM whose accounts take entries", step)
    elif channel.get("source") == crm.get("connection"):
        step = "the orders of this channel are the CRM's own, and stand there: leave `history_from` out"
        yield (*steps, "history_from"), Complaint(shown_value(day), "a channel whose orders come from a shop", step)
