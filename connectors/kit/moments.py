"""Moments as checkpoints have them: UTC, whole seconds, sortable text."""

from __future__ import annotations

import datetime as dt

from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say


def moment_text(moment: dt.datetime) -> str:
    """`2026-11-22T10:00:00`."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def moment_of(checkpoint: str) -> dt.datetime:
    """The inverse of `moment_text`. Raises ConnectionBroken for a text that is no checkpoint of ours."""
    try:
        return dt.datetime.strptime(checkpoint, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
    except ValueError:
        text = say("the checkpoint %(text)s of the pull cannot be read", text=repr(checkpoint[:100]))
        raise ConnectionBroken(text, code="checkpoint") from None


def whole_second(moment: dt.datetime) -> dt.datetime:
    """In UTC, without its fraction."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)
