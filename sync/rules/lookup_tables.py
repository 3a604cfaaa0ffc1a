"""The look-up tables that the program itself reads: what each translates, for whom, and what its rows may say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mappings.canonical.records import OrderState
from mappings.canonical.words import Phrase, say
from sync.rules.patterns import Facts, Kind, PatternRefused

#: What a table of one's own may be called. Commands beside them are words that no table is called.
OWN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}[a-z0-9]")
FACT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_WORDS_OF_COMMANDS: Final = frozenset(
    {"add", "drop", "export", "forecast", "history", "import", "list", "remove", "set"}
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WellKnown:
    """One of them."""

    label: Phrase
    #: What its values are.
    values: Phrase
    #: What they become.
    targets: Phrase
    #: Who reads it.
    readers: Phrase
    #: What a condition of its rows may ask for.
    facts: Facts = dataclasses.field(default_factory=dict)
    #: All that a row may say, where that is known.
    choices: tuple[str, ...] = ()
    #: What a row must look like, where more than any text is needed.
    pattern: re.Pattern[str] | None = None
    #: That in words, with an example.
    example: Phrase | None = None


TABLES: Final[Mapping[str, WellKnown]] = {
    "sku": WellKnown(
        label=say("Articles"),
        values=say("a SKU of the shop"),
        targets=say("the code of an article in the ERP"),
        readers=say("orders, refunds, parcels, stock"),
    ),
    "tax": WellKnown(
        label=say("Taxes"),
        values=say("country and rate of a tax, as in DE:19"),
        targets=say("the name or id of a tax in the ERP"),
        readers=say("orders and refunds"),
        facts=MappingProxyType({"code": Kind.TEXT, "country": Kind.COUNTRY, "rate": Kind.NUMBER, "title": Kind.TEXT}),
    ),
    "payment_method": WellKnown(
        label=say("Payment methods"),
        values=say("a payment method of the shop"),
        targets=say("the name or id of a payment method or journal in the ERP"),
        readers=say("orders that are checked for it, payments"),
    ),
    "payment_term": WellKnown(
        label=say("Payment terms"),
        values=say("the terms that an order or the configuration names"),
        targets=say("the name or id of a payment term in the ERP"),
        readers=say("orders"),
    ),
    "carrier": WellKnown(
        label=say("Shipping methods"),
        values=say("a shipping method of the shop"),
        targets=say("the name or id of a carrier in the ERP"),
        readers=say("orders"),
    ),
    "shop_carrier": WellKnown(
        label=say("Carriers in the shop"),
        values=say("a carrier of the ERP"),
        targets=say("what the shop calls it"),
        readers=say("parcels that are shown in the shop"),
    ),
    "tracking_url": WellKnown(
        label=say("Tracking pages"),
        values=say("a carrier of the ERP"),
        targets=say("the address of its page, with {number} where the tracking number belongs"),
        readers=say("parcels that are shown in the shop"),
        pattern=re.compile(r"https?://\S+"),
        example=say("a tracking page is an address like https://track.example/{number}", number="{number}"),
    ),
    "warehouse": WellKnown(
        label=say("Warehouses"),
        values=say("the warehouse that the configuration names"),
        targets=say("the code, name or id of a warehouse in the ERP"),
        readers=say("orders"),
    ),
    "order_state": WellKnown(
        label=say("Order states"),
        values=say("a state that the shop has added"),
        targets=say("what it means"),
        readers=say("orders, as soon as they are read"),
        choices=tuple(OrderState),
    ),
    "country": WellKnown(
        label=say("Countries"),
        values=say("a country's code in the shop"),
        targets=say("the code of a country in the ERP"),
        readers=say("addresses"),
    ),
    "subdivision": WellKnown(
        label=say("Regions"),
        values=say("a region's code, as in US-CA"),
        targets=say("the code of a subdivision in the ERP"),
        readers=say("addresses of countries that print it"),
    ),
    "currency": WellKnown(
        label=say("Currencies"),
        values=say("a currency of the shop"),
        targets=say("the code of a currency in the ERP"),
        readers=say("orders"),
    ),
    "customer_group": WellKnown(
        label=say("Customer groups"),
        values=say("a customer group of the shop"),
        targets=say("what the ERP calls it"),
        readers=say("mapping profiles that ask for it"),
    ),
}


def is_own_name(name: str) -> bool:
    """Whether a table of one's own may be called so."""
    return bool(OWN_NAME.fullmatch(name)) and name not in TABLES and name not in _WORDS_OF_COMMANDS


#: Table -> what its conditions may ask for; of a table that is not in it they ask for nothing.
Declared = Mapping[str, Facts]
KNOWN_FACTS: Final[Declared] = {name: table.facts for name, table in TABLES.items() if table.facts}
#: Of one table.
MOST_FACTS: Final = 8


def read_facts(text: str) -> Facts:
    """From `country:country, weight:number, title`: names, each with its kind; without one it is a text.

    Raises PatternRefused.
    """
    facts: dict[str, Kind] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, kind = (each.strip() for each in part.partition(":"))
        if not FACT_NAME.fullmatch(name):
            raise PatternRefused(say("a fact's name is made of a-z, 0-9 and _: %(name)s is not", name=repr(name[:40])))
        if name in facts:
            raise PatternRefused(say("there are two facts %(name)s", name=name))
        if (kind or Kind.TEXT) not in list(Kind):
            raise PatternRefused(
                say("%(name)s is one of %(kinds)s, not %(found)s", name=name, kinds=", ".join(Kind), found=kind[:40])
            )
        facts[name] = Kind(kind or Kind.TEXT)
    if len(facts) > MOST_FACTS:
        raise PatternRefused(say("a table asks for %(most)s facts at most", most=MOST_FACTS))
    return facts


def facts_text(facts: Facts) -> str:
    """Their one spelling."""
    return ", ".join(name if facts[name] is Kind.TEXT else f"{name}:{facts[name]}" for name in sorted(facts))


def choices_of(table: str) -> tuple[str, ...]:
    """What a row of a table may say; empty where the ERP's own words are meant."""
    return TABLES[table].choices if table in TABLES else ()
