"""Whether a channel sells as it usually does at this hour of the week: pure.

Silence is the failure that nobody sees, and most silence is none: nights, small shops, new ones. So the last hours are
held against the same hours of the weeks before, and what is looked at is the shortest time in which silence would mean
something: an hour for a large shop, days for a small one, nothing at all for one that sells twice a week.

Fewer orders are told when the count would be all but impossible (Poisson, odds of `ODDS`) at the second lowest of these
weeks: a week in which we were down ourselves, or a holiday, does not count as usual, and a shop whose weeks differ much
is judged by its weak ones. They must also be fewer than usual divided by a factor, in the shortest telling time too: so
it is over soon after the shop sells again, not when the silence has left the window. More orders are told the same way,
against the best of the weeks.

Floats: these are odds, and no money is counted by them.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Iterable, Sequence
from typing import Final

#: Hours that are looked at, one after the other.
SCALES: Final = (1, 2, 4, 8, 24, 48, 168)
#: How unlikely a count must be: looked at all day, in a year, some false alarm in a hundred such shops.
ODDS: Final = 1e-6
#: Weeks without which nobody knows what is usual.
LEAST_WEEKS: Final = 4
#: Of the shortest telling time, so many times are looked at, for what is less than silence.
_LONGER: Final = 8


class Verdict(enum.StrEnum):
    """How a channel's orders are."""

    USUAL = "usual"
    #: Far fewer, far more than usual.
    FEWER = "fewer"
    MORE = "more"
    #: It is too young to know what is usual.
    LEARNING = "learning"
    #: So few orders that their absence means nothing.
    FEW = "few"


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """The orders of the last hours, and of the same hours in each of the weeks before."""

    hours: int
    now: int
    #: Only weeks in which the channel was there.
    before: Sequence[int]

    @property
    def usual(self) -> float:
        """What half of the weeks had more than."""
        ordered = sorted(self.before)
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def weak(self) -> int:
        """The second lowest week, of few weeks the lowest."""
        return sorted(self.before)[1 if len(self.before) > LEAST_WEEKS else 0]

    @property
    def tells(self) -> bool:
        """Whether no order at all would mean something."""
        return at_most(0, self.weak) <= ODDS

    def is_below(self, factor: float) -> bool:
        """Whether there are fewer by the factor."""
        return self.now * factor <= self.usual

    def is_above(self, factor: float) -> bool:
        """Whether there are more by the factor."""
        return self.now >= self.usual * factor


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """What was found: the hours that say it, with what is usual in them."""

    verdict: Verdict
    hours: int = 0
    usual: int = 0
    now: int = 0


def judge(windows: Iterable[Window], factor: float) -> Volume:
    """Whether a channel sells as usual. `windows` from the shortest on; no more of them are taken than it needs."""
    first: Window | None = None
    for window in windows:
        if len(window.before) < LEAST_WEEKS:
            return Volume(Verdict.LEARNING) if first is None else _volume(Verdict.USUAL, first)
        if first is None and not window.tells:
            continue
        first = first or window
        if window.hours > first.hours * _LONGER:
            break
        if first.is_below(factor) and window.is_below(factor) and at_most(window.now, window.weak) <= ODDS:
            return _volume(Verdict.FEWER, window)
        if first.is_above(factor) and window.is_above(factor) and at_least(window.now, max(window.before)) <= ODDS:
            return _volume(Verdict.MORE, window)
    return Volume(Verdict.FEW) if first is None else _volume(Verdict.USUAL, first)


def _volume(verdict: Verdict, window: Window) -> Volume:
    return Volume(verdict, window.hours, round(window.usual), window.now)


def at_most(count: int, rate: float) -> float:
    """How likely `count` or fewer are where `rate` are usual."""
    return min(1.0, sum(_exactly(each, rate) for each in range(count + 1)))


def at_least(count: int, rate: float) -> float:
    """How likely `count` or more are."""
    if count <= rate:
        # Not the tail: as likely as not, and nobody asks how likely exactly.
        return 1.0
    total, each, step = 0.0, count, _exactly(count, rate)
    while step > total * 1e-9 and step > 0.0:
        total += step
        each += 1
        step *= rate / each
    return min(1.0, total)


def _exactly(count: int, rate: float) -> float:
    if not rate:
        return 1.0 if not count else 0.0
    return math.exp(count * math.log(rate) - rate - math.lgamma(count + 1))
