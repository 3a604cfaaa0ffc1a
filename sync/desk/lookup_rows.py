"""Rows of look-up tables as people want them, held against what their table may say."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from config.model import Config
from sync.desk.phrases import Refusal, say
from sync.rules.lookup_tables import TABLES, Declared, choices_of
from sync.rules.lookups import GLOBAL, scopes_of
from sync.rules.patterns import NONE_DECLARED, Conditions, Facts, Glob, Kind, PatternRefused, escaped
from sync.store.lookups import RowKey

_MAX_VALUE: Final = 255
_COUNTRY: Final = re.compile("[A-Z]{2}")
_SUBJECT: Final = re.compile(
    r"(?P<scope>global|(?:connection|channel):[^:]+):(?P<table>[^:]+):(?P<value>.*?)(?: \[(?P<conditions>[^\[\]]*)\])?",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True, slots=True)
class LookupRow:
    """A row as somebody wants it: this value of one system is that one of the other."""

    table: str
    #: The value, or a pattern of values (`sync.rules.patterns`); `escaped` makes a pattern of a value.
    value: str
    target: str
    #: `global`, `connection:<source or ERP>` or `channel:<name>`; the narrower wins.
    scope: str = GLOBAL
    conditions: str = ""

    @property
    def key(self) -> RowKey:
        """Which row it is."""
        return RowKey(self.table, self.scope, self.value, self.conditions)


class RowRefused(Refusal):
    """The row cannot be meant so."""


def subject_of(key: RowKey) -> str:
    """What the audit calls a row."""
    conditions = f" [{key.conditions}]" if key.conditions else ""
    return f"{key.scope}:{key.table}:{key.value}{conditions}"


def key_of(subject: str) -> RowKey | None:
    """The row that the audit calls so; None where it can be none."""
    found = _SUBJECT.fullmatch(subject)
    return None if found is None else RowKey(found["table"], found["scope"], found["value"], found["conditions"] or "")


def check_row(config: Config, row: LookupRow, declared: Declared) -> LookupRow:
    """The row without spaces at its ends, its conditions in their one spelling. Raises RowRefused.

    `declared` is what the conditions of each table may ask for (`sync.rules.lookups.declared_facts`).
    """
    facts = declared.get(row.table, NONE_DECLARED)
    try:
        conditions = Conditions.read(row.conditions, facts)
    except PatternRefused as error:
        raise RowRefused(error.phrase) from error
    row = dataclasses.replace(row, target=row.target.strip(), conditions=conditions.text)
    if not row.value:
        raise RowRefused(say("say which value the row is for"))
    if not row.target:
        raise RowRefused(say("say what the value is in the ERP"))
    if max(map(len, (row.value, row.target, row.conditions))) > _MAX_VALUE:
        raise RowRefused(say("a value of a look-up has at most %(most)s characters", most=_MAX_VALUE))
    _check_facts(row.table, conditions, facts)
    _check_target(row)
    channels_of(config, row.scope)
    return row


def _check_facts(table: str, conditions: Conditions, known: Facts) -> None:
    for name, test in conditions.tests.items():
        if not known:
            if table in TABLES:
                raise RowRefused(say("rows of %(table)s have no conditions", table=table))
            raise RowRefused(
                say("rows of %(table)s have no conditions; say first which facts the table asks for", table=table)
            )
        if name not in known:
            raise RowRefused(
                say(
                    "a condition of %(table)s asks for one of %(known)s, not for %(found)s",
                    table=table,
                    known=", ".join(known),
                    found=name,
                )
            )
        if known[name] is Kind.COUNTRY and isinstance(test, Glob) and test.is_exact:
            _check_country(name, test.pieces[0])


def _check_country(name: str, wanted: str) -> None:
    if not _COUNTRY.fullmatch(wanted):
        raise RowRefused(
            say("%(name)s is a country, two capitals such as DE, not %(found)s", name=name, found=repr(wanted[:40]))
        )


def _check_target(row: LookupRow) -> None:
    choices, known = choices_of(row.table), TABLES.get(row.table)
    if choices and row.target not in choices:
        words = ", ".join(choices)
        raise RowRefused(say("an order state is one of %(known)s, not %(found)s", known=words, found=row.target))
    if known is not None and known.pattern is not None and not known.pattern.fullmatch(row.target):
        raise RowRefused(known.example or say("%(found)s cannot be meant", found=row.target))


def channels_of(config: Config, scope: str) -> set[str]:
    """The channels that a scope reaches. Raises RowRefused for one that is not configured."""
    reached = {channel.name for channel in config.channels.values() if scope in scopes_of(channel)}
    if not reached and scope != GLOBAL:
        raise RowRefused(
            say("a row is for everything, for a channel or for one of its connections, not for %(scope)s", scope=scope)
        )
    return reached


def row_for(table: str, value: str) -> LookupRow:
    """The row that an issue waits for: of this very value, whatever signs are in it."""
    return LookupRow(table, escaped(value), "")
