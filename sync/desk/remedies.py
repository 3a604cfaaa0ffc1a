"""What can be done about a cause, beside mending it where it comes from: policies, pauses, what may be meant."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final

from config.model import Channel, Config
from sync.desk.bulk import APPROVED_TOGETHER
from sync.desk.forecast import known_names
from sync.desk.needs import Need
from sync.desk.phrases import Phrase, say
from sync.rules.similar import Similar, Suggestion
from sync.store.engine import Store
from sync.store.switches import Pause, pauses

_MODE: Final = say("`warn` lets such orders pass with a note, `off` does not look.")
#: Cause -> (key below the channel, what another value means). A policy is changed in the configuration, so that it is
#: reviewed, and the same after a restart; the one override at run time is a person's word for orders that are held.
_POLICIES: Final[Mapping[str, tuple[tuple[str, Phrase], ...]]] = {
    "totals_mismatch": (
        ("policies.totals_threshold", say("So many units of the last decimal are carried as rounding.")),
        ("policies.rules.totals", _MODE),
    ),
    "duplicate_order": (
        ("policies.duplicate_window_min", say("Within so many minutes an equal order is taken for a duplicate.")),
        ("policies.rules.duplicate_order", _MODE),
    ),
    "unknown_sku": (
        ("policies.target.free_text_product", say("Lines without a SKU become this article of the ERP.")),
        ("policies.rules.unknown_sku", _MODE),
    ),
    "unit": (("policies.rules.unit", _MODE),),
    "price": (
        ("policies.price_tolerance", say("By so many percent a price may differ from the ERP's.")),
        ("policies.rules.price", _MODE),
    ),
    "tax": (
        ("policies.home_country", say("Orders to other countries are not held against the taxes of the articles.")),
        ("policies.rules.tax", _MODE),
    ),
    "address": (("policies.rules.address", _MODE),),
    "ambiguous_party": (("policies.match", say("`trust_email`: whoever has the e-mail address is the customer.")),),
    "test_order": (("policies.rules.test_order", _MODE),),
    "value_limit": (
        ("policies.value_limits", say("Above these grand totals a person approves.")),
        ("policies.rules.value_limit", _MODE),
    ),
    "changed_after_import": (("after_import.edits", say("`apply` changes the sale, as far as the ERP allows it.")),),
    "cancelled_after_import": (("after_import.cancellations", say("`apply` cancels the sale in the ERP.")),),
    "missing_in_shop": (("stock.missing", say("`ignore` says nothing of articles that the shop does not sell.")),),
    "canary": (("canary", say("So many orders wait after go-live and after a change; 0 lets all pass.")),),
}
#: What is decided on the order's own page, and what that is called there.
_ONE_BY_ONE: Final[Mapping[str, Phrase]] = {
    "doubled": say("Link the sale that counts"),
    "gone_in_erp": say("Make a new sale, or link another one"),
    "unknown_outcome": say("Send again, or say that it was sent"),
    "rejected": say("Link a sale that the ERP has already"),
    "changed_after_import": say("See the change, and approve"),
    "canary": say("See what would be sent, and approve"),
    "correction_outdated": say("Correct it anew, or take the correction back"),
}
_ARTICLES: Final = "sku"


@dataclasses.dataclass(frozen=True, slots=True)
class PolicyHint:
    """A key of the configuration that decides about a cause."""

    #: `channels.web.policies.rules.price`.
    key: str
    #: What it says now; empty where nothing is set.
    now: str
    meaning: Phrase


@dataclasses.dataclass(frozen=True, slots=True)
class Remedies:
    """What can be done about one cause."""

    policies: Sequence[PolicyHint] = ()
    #: What its orders wait for meanwhile, whoever mends the cause.
    waits: Sequence[Pause] = ()
    #: The connection whose page has the cure; empty for none.
    connection: str = ""
    #: Whether a person's word lets all of its orders pass at once.
    approvable: bool = False
    #: What is decided on each order's page; None for nothing special.
    one_by_one: Phrase | None = None
    #: What the missing value is written almost like.
    suggestions: Sequence[Suggestion] = ()
    #: The ERP's article for whatever has none of its own; empty where the channel has none.
    placeholder: str = ""


def remedies_of(store: Store, config: Config, need: Need) -> Remedies:
    """Nobody is asked but our own database and configuration."""
    issue, channel = need.issue, config.channels.get(need.issue.channel)
    if need.closed_at is not None:
        return Remedies()
    return Remedies(
        policies=_policies(need, channel),
        waits=_waits(store, issue.connection, channel),
        connection=issue.connection if issue.connection in config.connections else "",
        approvable=issue.cause in APPROVED_TOGETHER and need.figures.documents > 0,
        one_by_one=_ONE_BY_ONE.get(issue.cause),
        suggestions=_suggestions(store, need, channel),
        placeholder=_placeholder(need, channel),
    )


def _policies(need: Need, channel: Channel | None) -> list[PolicyHint]:
    if channel is None:
        return []
    hints = _POLICIES.get(need.issue.cause, ())
    if need.lookup is not None and need.lookup[0] == "payment_method":
        hints = (("policies.rules.payment_method", _MODE),)
    return [PolicyHint(f"channels.{channel.name}.{key}", _now(channel, key), meaning) for key, meaning in hints]


def _now(channel: Channel, key: str) -> str:
    value: Any = channel
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
        if value is None:
            return ""
    return _shown(value)


def _shown(value: object) -> str:
    """As the configuration writes it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_shown(each)}' for name, each in value.items())}}}"
    return str(value.value if isinstance(value, enum.Enum) else value)


def _waits(store: Store, connection: str, channel: Channel | None) -> list[Pause]:
    names = {("all", ""), ("connection", connection)}
    if channel is not None:
        names |= {("channel", channel.name), ("connection", channel.source), ("connection", channel.erp)}
    return [pause for pause in store.read(pauses) if (pause.scope, pause.name) in names]


def _suggestions(store: Store, need: Need, channel: Channel | None) -> list[Suggestion]:
    if need.lookup is None or channel is None:
        return []
    table, value = need.lookup
    return [each for each in Similar(known_names(store, channel.erp, table)).to(value) if each.target != value]


def _placeholder(need: Need, channel: Channel | None) -> str:
    if need.lookup is None or need.lookup[0] != _ARTICLES or channel is None:
        return ""
    return str(channel.policies.target.get("free_text_product") or "")
