"""Lengths of time in words, for texts that are kept; pages write theirs in their own way."""

from __future__ import annotations

import math
from typing import Final

from sync.desk.phrases import Phrase, say, say_many

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
#: From here on a number says nothing more, and an endless one cannot be counted.
_FOR_EVER: Final = 1000 * _DAY


def span_shown(seconds: float) -> Phrase:
    """`40 seconds`, `10 minutes`, `3 hours`, `3 days`: one unit, never less than it is."""
    if seconds >= _FOR_EVER:
        return say("more than a thousand days")
    if seconds >= 2 * _DAY:
        return say_many("%(count)s day", "%(count)s days", math.ceil(seconds / _DAY))
    if seconds >= 2 * _HOUR:
        return say_many("%(count)s hour", "%(count)s hours", math.ceil(seconds / _HOUR))
    if seconds >= 2 * _MINUTE:
        return say_many("%(count)s minute", "%(count)s minutes", math.ceil(seconds / _MINUTE))
    return say_many("%(count)s second", "%(count)s seconds", math.ceil(seconds))
