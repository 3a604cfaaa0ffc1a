"""What a check-up finds: one line per check, with what was found, what was expected and what to do.

Ids of checks are constant (`woocommerce.key.write`): people look them up in docs/doctor.md, and scripts compare them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.kit.errors import ConnectionBroken, ConnectorError, RecordRejected
from connectors.kit.words import say

#: The shop's clock says when an order was placed, and that decides whether it is looked up before its sale is made.
CLOCK_WARNING_S: Final = 30.0
#: As long as the shortest outage after which nothing is taken on trust any more.
CLOCK_LIMIT_S: Final = 300.0
_REFUSED: Final = say("put right in the other system, or in the connection's settings, what the refusal names")
_SILENT: Final = say("try again in a moment; if it stays so, ask who runs the other system")
#: `Date` names whole seconds: on average it is half a second behind.
_HALF_S: Final = 0.5


def N_(text: str) -> str:  # noqa: N802 - gettext's name for "translated where it is shown"
    """Mark what a check looks at for the catalogue of translations."""
    return text


class Level(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    #: It works, and somebody should know or change something.
    WARN = "warn"
    #: It does not work.
    FAIL = "fail"
    #: Nobody could find out.
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one check ended. Nothing in it is secret."""

    check: str
    level: Level
    found: str
    #: What would have been right; empty where `found` says it.
    expected: str = ""
    #: What to do, as a sentence without its full stop; empty where there is nothing to do. Texts of ours are phrases
    #: (`connectors.kit.words`), and can be translated; those of another system stay as it said them.
    next_step: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a connector cannot know by itself, and its check-up is about."""

    #: Where the connection's webhooks are to come; empty where nobody can reach us.
    delivery_url: str = ""
    #: Channel that reads from here -> the zone in which it counts its days.
    zones: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: The channels that read from here and tell of parcels.
    tell_parcels: tuple[str, ...] = ()
    #: The channels whose customers' histories are told here.
    tell_histories: tuple[str, ...] = ()


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check=check, level=Level.OK, found=found)


def warn(check: str, found: str, next_step: str, *, expected: str = "") -> Finding:
    """It works, but."""
    return Finding(check=check, level=Level.WARN, found=found, expected=expected, next_step=next_step)


def fail(check: str, found: str, next_step: str, *, expected: str = "") -> Finding:
    """It does not work."""
    return Finding(check=check, level=Level.FAIL, found=found, expected=expected, next_step=next_step)


def unknown(check: str, found: str, next_step: str = "") -> Finding:
    """Nobody could find out, and why."""
    return Finding(check=check, level=Level.UNKNOWN, found=found, next_step=next_step)


def of_error(check: str, error: ConnectorError, next_step: str = "") -> Finding:
    """What an error says of a check: a refusal is an answer, silence is none."""
    refused = isinstance(error, ConnectionBroken | RecordRejected)
    level = Level.FAIL if refused else Level.UNKNOWN
    step = next_step or (_REFUSED if refused else _SILENT)
    return Finding(check=check, level=level, found=str(error), next_step=step)


def of_clock(check: str, header: str, asked_at: dt.datetime, answered_at: dt.datetime) -> Finding:
    """The other system's clock, by the `Date` header of an answer, against ours."""
    try:
        theirs = parsedate_to_datetime(header)
    except ValueError:
        return unknown(check, say("the answer has no Date header"), say("let the proxy in front of it pass the header"))
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=dt.UTC)
    ahead_s = (theirs - asked_at - (answered_at - asked_at) / 2).total_seconds() + _HALF_S
    if abs(ahead_s) < CLOCK_WARNING_S:
        return ok(check, say("the clocks agree within a few seconds") if abs(ahead_s) < 3 else _apart(ahead_s))  # noqa: PLR2004
    tell = warn if abs(ahead_s) < CLOCK_LIMIT_S else fail
    step = say("switch on time synchronisation (NTP) on the machine whose clock is wrong")
    return tell(
        check, _apart(ahead_s), step, expected=say("less than %(seconds)s s apart", seconds=f"{CLOCK_WARNING_S:.0f}")
    )


def _apart(ahead_s: float) -> str:
    seconds = f"{abs(ahead_s):.0f}"
    if ahead_s > 0:
        return say("its clock is %(seconds)s s ahead of ours", seconds=seconds)
    return say("its clock is %(seconds)s s behind ours", seconds=seconds)
