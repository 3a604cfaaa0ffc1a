"""What can be wrong with a document, with the path of the field; all problems are reported at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from mappings.canonical.words import joined, quote, say


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

    def __init__(self, table: str, value: str, *, path: str = "") -> None:
        """`table` is the look-up table (`sku`, `tax`, `payment_method`, `country` ...), `value` what was not found."""
        super().__init__(
            [
                Problem(
                    cause="unmapped",
                    path=path,
                    reason=say("the %(table)s look-up has no row for %(value)s", table=table, value=repr(value)),
                    subject=f"{table}:{value}",
                    next_step=say(
                        "add a row for %(value)s to the %(table)s look-up, or make it known in the ERP",
                        value=repr(value),
                        table=table,
                    ),
                )
            ]
        )
        self.table = table
        self.value = value
