"""The steps of a rule: small changes of one value, each with its options, done one after the other.

One table says what a step is called, takes and does; the reader, the JSON Schema and the reference page are made of it.
A step that `carries` changes how an amount is written and never what it is, so it may stand on the way of money.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

from mappings.base import NO_FACTS, Lookup
from mappings.canonical.errors import Unmapped
from mappings.canonical.fields import shown
from mappings.canonical.words import say
from mappings.profiles.bounds import PARTED, Budget, Failed, room_for, sized
from mappings.profiles.functions import as_text
from mappings.profiles.options import (
    ANYTHING,
    CHARACTERS,
    CHOICES,
    FACTOR,
    FACTS,
    FLAG,
    FORMAT,
    TEXT,
    WHOLE,
    WORD,
    ZONE,
    Option,
    one_of,
)
from mappings.profiles.times import read_day, read_time


class Asked(Protocol):
    """What a step may use: the budget, the look-up tables, and where it writes down what it looked up."""

    budget: Budget
    lookup: Lookup

    def looked_up(self, table: str, value: str, found: str, facts: Mapping[str, str]) -> None:
        """Remember a row that was used."""
        ...


#: Of the value, what may be used, and what the rule's expressions begin with.
Action = Callable[[Any, Asked, Mapping[str, Any]], Any]
Options = Mapping[str, Any]
#: An expression, of the roots.
Evaluate = Callable[[Mapping[str, Any], Budget], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class StepKind:
    """One kind of step."""

    name: str
    meaning: str
    example: str
    options: Mapping[str, Option]
    make: Callable[[Options], Action]
    #: The option that `name: value` sets; empty for one that needs a mapping, or nothing at all.
    bare: str = ""
    carries: bool = False


def _text(value: Any) -> str:
    if value is None or isinstance(value, PARTED):
        raise Failed(say("found %(value)s, expected text", value=shown(value)))
    return as_text(value)


def _texts(change: Callable[[str], str]) -> Action:
    """A change of a text; of each text in a list of them."""

    def act(value: Any, asked: Asked, _: Mapping[str, Any]) -> Any:
        if type(value) is str:
            return sized(change(value), asked.budget)
        if isinstance(value, list):
            asked.budget.spend(len(value))
            return [sized(change(_text(each)), asked.budget) for each in value]
        return sized(change(_text(value)), asked.budget)

    return act


_CASES: Final[Mapping[str, Callable[[str], str]]] = {"upper": str.upper, "lower": str.lower, "title": str.title}
#: Closed classes instead of patterns: what they match is decided character by character.
_CLASSES: Final[Mapping[str, Callable[[str], bool]]] = {
    "digits": str.isdecimal,
    "letters": str.isalpha,
    "blanks": str.isspace,
    "punctuation": lambda c: not (c.isalnum() or c.isspace()),
}


def _replace(options: Options) -> Action:
    old, new, kind = options["text"], options["with"], options["any"]
    if kind:
        matches = _CLASSES[kind]

        def swap(text: str) -> str:
            room_for(len(text) * max(len(new), 1))
            return "".join(new if matches(c) else c for c in text)
    else:

        def swap(text: str) -> str:
            room_for(len(text) + text.count(old) * (len(new) - len(old)))
            return text.replace(old, new)

    return _texts(swap)


def _split(options: Options) -> Action:
    by, take = options["by"], options["take"]

    def act(value: Any, asked: Asked, _: Mapping[str, Any]) -> Any:
        parts = [part.strip() for part in _text(value).split(by)]
        asked.budget.spend(len(parts))
        if take is None:
            return [part for part in parts if part]
        return parts[take] if -len(parts) <= take < len(parts) else None

    return act


def _cut(options: Options) -> Action:
    length = options["length"]
    return _texts(lambda text: text[:length])


# WordPress writes its entities with a semicolon; without that rule "R&D &copy" would become "R&D ©".
_ENTITY: Final = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def _unescape(_: Options) -> Action:
    return _texts(lambda text: _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text)


def _lookup(options: Options) -> Action:
    table, otherwise = options["table"], options["otherwise"]
    expressions = options["facts"]

    def act(value: Any, asked: Asked, roots: Mapping[str, Any]) -> Any:
        sought = _text(value)
        facts = _facts(expressions, roots, asked.budget) if expressions else NO_FACTS
        found = asked.lookup.find(table, sought, facts)
        if found is None:
            if otherwise is None:
                raise Unmapped(table, sought, facts=facts)
            return otherwise
        asked.looked_up(table, sought, found, facts)
        return found

    return act


def _facts(expressions: Mapping[str, Evaluate], roots: Mapping[str, Any], budget: Budget) -> dict[str, str]:
    """Each fact as text. What is not there is the empty text, which only a star fits."""
    facts: dict[str, str] = {}
    for name, evaluate in expressions.items():
        value = evaluate(roots, budget)
        if isinstance(value, PARTED):
            raise Failed(say("found %(value)s as the fact %(name)s, expected one value", value=shown(value), name=name))
        facts[name] = "" if value is None else sized(as_text(value), budget)
    return facts


def _choose(options: Options) -> Action:
    words, otherwise = options["of"], options["otherwise"]

    def act(value: Any, _: Asked, __: Mapping[str, Any]) -> Any:
        word = _text(value)
        if word in words:
            return words[word]
        if otherwise is None:
            raise Failed(say("found %(value)s, expected one of %(words)s", value=shown(word), words=", ".join(words)))
        return otherwise

    return act


def _flag(options: Options) -> Action:
    yes, no = frozenset(options["true_for"]), frozenset(options["false_for"])

    def act(value: Any, _: Asked, __: Mapping[str, Any]) -> Any:
        if isinstance(value, bool):
            return value
        word = _text(value).strip()
        if word in yes or word in no:
            return word in yes
        expected = ", ".join(sorted(each or "''" for each in yes | no))
        raise Failed(say("found %(value)s, expected one of %(words)s", value=shown(word), words=expected))

    return act


_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,20})?")


def _written(value: Any, decimal: str, thousands: str) -> Decimal:
    """A number as people or machines write it; exact, in the decimals that are written."""
    text = _text(value).strip()
    plain = text.replace(thousands, "") if thousands else text
    if decimal != ".":
        plain = plain.replace(".", "?").replace(decimal, ".")
    if not _PLAIN.fullmatch(plain):
        raise Failed(
            say("found %(value)s, expected a number such as 12%(decimal)s50", value=shown(value), decimal=decimal)
        )
    return Decimal(plain)


def _number(options: Options) -> Action:
    decimal, thousands = options["decimal"], options["thousands"]
    times, per = options["times"], options["per"]

    def act(value: Any, _: Asked, __: Mapping[str, Any]) -> Any:
        number = _written(value, decimal, thousands) * times / per
        number = number.quantize(_FINEST) if number.as_tuple().exponent < -_MOST_DECIMALS else number
        return Decimal(f"{number.normalize():f}")

    return act


_MOST_DECIMALS: Final = 12
_FINEST: Final = Decimal(1).scaleb(-_MOST_DECIMALS)


def _amount(options: Options) -> Action:
    """Notation alone: separators, a sign that says nothing, a decimal point that is not written."""
    decimal, thousands, cents = options["decimal"], options["thousands"], options["cents"]
    unsigned = options["unsigned"]

    def act(value: Any, _: Asked, __: Mapping[str, Any]) -> Any:
        amount = _written(value, decimal, thousands)
        if cents:
            if amount != amount.to_integral_value():
                raise Failed(say("found %(value)s, expected a whole number of cents", value=shown(value)))
            amount = amount.scaleb(-cents)
        return f"{amount.copy_abs() if unsigned else amount:f}"

    return act


def _date(options: Options) -> Action:
    form, zone = options["format"], options["zone"]
    return lambda value, _, __: read_time(_text(value).strip(), form, zone)


def _day(options: Options) -> Action:
    form = options["format"]
    return lambda value, _, __: read_day(_text(value).strip(), form)


_ALL: Final = (
    StepKind("trim", say("Blanks at both ends go."), "trim", {}, lambda _: _texts(str.strip), carries=True),
    StepKind(
        "case",
        say("All capitals, all small, or each word with a capital."),
        "case: upper",
        {"to": Option(one_of("upper", "lower", "title"), say("which"), required=True)},
        lambda options: _texts(_CASES[options["to"]]),
        bare="to",
    ),
    StepKind(
        "replace",
        say("Every `text`, or every character of a class, becomes `with`. There are no patterns."),
        'replace: {any: blanks, with: ""}',
        {
            "text": Option(CHARACTERS, say("what goes")),
            "any": Option(one_of(*_CLASSES), say("a class of characters instead of a text"), default=""),
            "with": Option(ANYTHING, say("what comes instead"), required=True),
        },
        _replace,
    ),
    StepKind(
        "split",
        say("The parts of a text, trimmed: all as a list, or the one that `take` counts from 0 (-1 is the last)."),
        'split: {by: " - ", take: 0}',
        {"by": Option(CHARACTERS, say("the separator"), required=True), "take": Option(WHOLE, say("which part"))},
        _split,
        bare="by",
    ),
    StepKind(
        "cut",
        say("At most so many characters."),
        "cut: 40",
        {"length": Option(WHOLE, say("characters"), required=True)},
        _cut,
        bare="length",
    ),
    StepKind("unescape", say("HTML's entities as characters: `&amp;` as `&`."), "unescape", {}, _unescape),
    StepKind(
        "lookup",
        say("What the row of a look-up table says. Without a row: `otherwise`, or the order waits for one."),
        "lookup: {table: payment_term, otherwise: prepaid}",
        {
            "table": Option(WORD, say("the table"), required=True),
            "facts": Option(FACTS, say("what the conditions of its rows ask for, each an expression")),
            "otherwise": Option(ANYTHING, say("where there is no row")),
        },
        _lookup,
        bare="table",
    ),
    StepKind(
        "choose",
        say(
            "One word for another, from a list that never changes. A word that is not in it: `otherwise`, or an error."
        ),
        "choose: {of: {Bezahlt: paid, Offen: unpaid}}",
        {
            "of": Option(CHOICES, say("word -> word"), required=True),
            "otherwise": Option(ANYTHING, say("for any other word")),
        },
        _choose,
    ),
    StepKind(
        "flag",
        say("Words as true or false."),
        'flag: {true_for: ["1", J], false_for: ["0", N, ""]}',
        {
            "true_for": Option(TEXT, say("words for true"), required=True),
            "false_for": Option(TEXT, say("words for false"), required=True),
        },
        _flag,
    ),
    StepKind(
        "number",
        say("A quantity or measure: its separators, and the factor between two units. Not for money."),
        'number: {decimal: ",", per: "1000"}',
        {
            "decimal": Option(one_of(".", ","), say("the decimal mark"), default="."),
            "thousands": Option(one_of("", ".", ",", "'", " "), say("what stands between thousands"), default=""),
            "times": Option(FACTOR, say("the number times this"), default=Decimal(1)),
            "per": Option(FACTOR, say("the number divided by this"), default=Decimal(1)),
        },
        _number,
    ),
    StepKind(
        "amount",
        say("An amount's notation: separators, cents as whole numbers, a minus sign that means nothing."),
        'amount: {decimal: ",", thousands: "."}',
        {
            "decimal": Option(one_of(".", ","), say("the decimal mark"), default="."),
            "thousands": Option(one_of("", ".", ",", "'", " "), say("what stands between thousands"), default=""),
            "cents": Option(WHOLE, say("decimals that are not written: 2 reads 1250 as 12.50"), default=0),
            "unsigned": Option(FLAG, say("a minus is left out (shops write refunds negative)"), default=False),
        },
        _amount,
        carries=True,
    ),
    StepKind(
        "date",
        say("A point in time. `zone` says where a time without one was written."),
        'date: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}',
        {
            "format": Option(
                FORMAT, say("`iso`, `epoch`, `epoch_ms`, or %Y %y %m %d %H %I %p %M %S %f %z"), default="iso"
            ),
            "zone": Option(ZONE, say("name of a time zone")),
        },
        _date,
        bare="format",
    ),
    StepKind(
        "day",
        say("A calendar day."),
        'day: "%d.%m.%Y"',
        {"format": Option(FORMAT, say("as of `date`"), default="iso")},
        _day,
        bare="format",
    ),
)

STEPS: Final[Mapping[str, StepKind]] = {kind.name: kind for kind in _ALL}
