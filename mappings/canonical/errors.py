"""What can be wrong with a document, with the path of the field; all problems are reported at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final

from mappings.canonical.words import joined, quote, say

#: Characters of one fact: a row's conditions have 255 altogether.
_FACT: Final = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one document."""

    #: Stable id of the cause: `mapping`, `unmapped`, `totals_mismatch`, `unknown_sku`, `value_limit` ...
    cause: str
    #: JSON path in the document that the reader has in front of them, e.g. `line_items[2].total`; empty for the whole.
    path: str
    #: Plain words: what was found, what was expected.
    reason: str
    #: What the same cause shares over many documents, e.g. the SKU; part of the issue's fingerprint.
    subject: str = ""
    #: What to do next, in plain words.
    next_step: str = ""
    #: What the same cause is called over many documents, where `reason` says more of this one.
    title: str = ""
    #: Of a value without a look-up row: what was known beside it, as the row's conditions would say it.
    facts: str = ""


class Problems(Exception):
    """Everything that is wrong with one document."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order in which they were found; there is at least one."""
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("Problems without a problem")
        super().__init__(
            joined("; ", (joined(": ", (quote(p.path), p.reason)) if p.path else p.reason for p in self.problems))
        )


class MappingError(Problems):
    """A field of the document cannot be read as what it must be."""

    def __init__(
        self, path: str, reason: str, *, cause: str = "mapping", subject: str = "", next_step: str = ""
    ) -> None:
        """`path` is the JSON path of the field, `reason` says what was found and what was expected."""
        super().__init__([Problem(cause=cause, path=path, reason=reason, subject=subject, next_step=next_step)])
        self.path = path
        self.reason = reason


class Unmapped(Problems):
    """A value of the source has no row in a look-up table; adding the row releases every document it blocked."""

    def __init__(self, table: str, value: str, *, path: str = "", facts: Mapping[str, str] | None = None) -> None:
        """`table` is the look-up table (`sku`, `tax`, `payment_method`, `country` ...), `value` what was not found.

        `facts` are what else the table was told, by name.
        """
        title = say("the %(table)s look-up has no row for %(value)s", table=table, value=repr(value))
        told = conditions_for(facts or {})
        super().__init__(
            [
                Problem(
                    cause="unmapped",
                    path=path,
                    reason=say("%(title)s with %(facts)s", title=title, facts=told) if told else title,
                    subject=f"{table}:{value}",
                    next_step=say(
                        "add a row for %(value)s to the %(table)s look-up, or make it known in the ERP",
                        value=repr(value),
                        table=table,
                    ),
                    title=title if told else "",
                    facts=told,
                )
            ]
        )
        self.table = table
        self.value = value


def conditions_for(facts: Mapping[str, str]) -> str:
    """The conditions of a row for exactly these facts: `country=DE; rate=19`. What is empty is left out."""
    return "; ".join(f"{name}={_wanted(facts[name])}" for name in sorted(facts) if facts[name].strip())


def _wanted(value: str) -> str:
    """As a condition says it: from a semicolon on, and where it becomes long, a star stands for the rest."""
    kept = value.partition(";")[0][:_FACT]
    return kept.replace("*", r"\*").strip() + ("" if kept == value else "*")


def facts_told(conditions: str) -> dict[str, str]:
    """The facts of which `conditions_for` made this, as far as it tells them."""
    pairs = (part.partition("=") for part in conditions.split("; ") if part)
    return {name: value.replace(r"\*", "*") for name, _, value in pairs}
