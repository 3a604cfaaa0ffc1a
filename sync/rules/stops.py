"""Why a document goes no further for now; `sync.desk.outcomes` says what each of them means."""

from __future__ import annotations

import datetime as dt
from typing import Final

from mappings.canonical.errors import Problem
from mappings.canonical.words import say
from sync.store.issues import Cause
from sync.store.states import ItemState

#: Causes of which whoever lets one pass accepts the amount that the sale shows.
ACCEPTING: Final = frozenset({"target_amount", "changed_after_import"})


class Held(Exception):
    """Verify rules stop the order: a person, or the fixed cause, releases it."""

    def __init__(self, problems: list[Problem]) -> None:
        """All of them at once."""
        super().__init__("; ".join(problem.reason for problem in problems))
        self.problems = tuple(problems)


class Stopped(Exception):
    """A person, or the fixed cause, lets what is no order go on: an article, a customer."""

    def __init__(self, cause: Cause, reason: str, state: ItemState = ItemState.HELD) -> None:
        """`reason` is about this one, `cause` is what it shares with others."""
        super().__init__(reason)
        self.cause = cause
        self.state = state


class NotSent(Exception):
    """No call was made: time, lease or connection ran out before its turn. Nothing can have happened."""


class Unsettled(Exception):
    """A write may have happened; it is looked up when it can no longer land."""

    def __init__(self, message: str, settles_at: dt.datetime | None = None) -> None:
        """`settles_at` None: as the intent says."""
        super().__init__(message)
        self.settles_at = settles_at


class Later(Exception):
    """Something that is under way elsewhere must end first (another drain makes the same party)."""


class Together(Exception):
    """Several documents failed in one step, for a reason that nobody foresaw: each is tried alone."""

    def __init__(self, defect: Exception) -> None:
        """`defect` may be the fault of any of them."""
        super().__init__(say("failed together with others (%(kind)s): it is tried alone", kind=type(defect).__name__))
        self.defect = defect
