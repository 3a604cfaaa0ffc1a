"""Looking whether each channel sells as it usually does at this hour of the week."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config.model import Channel, Config
from connectors.kit.base import SendsOrders
from connectors.registry import class_of, has
from sync.desk.phrases import Phrase, say
from sync.rules.volume import SCALES, Verdict, Volume, Window, judge
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.volume import count_placed, load_volumes, placed_between, save_volume


@dataclasses.dataclass(frozen=True, slots=True)
class VolumeView:
    """What was found of one channel."""

    channel: str
    at: dt.datetime
    volume: Volume
    #: When the last order was placed.
    last_at: dt.datetime | None


def look_at_volumes(store: Store, config: Config) -> None:
    """Look at every channel that is watched, and keep what was found."""
    for channel in config.channels.values():
        if channel.watch.volume and not _comes_in_files(config, channel):
            found, last_at, at = store.read(functools.partial(_look, channel=channel))
            values: dict[str, object] = {
                "at": at,
                "verdict": str(found.verdict),
                "hours": found.hours,
                "usual": found.usual,
                "now": found.now,
                "last_at": last_at,
            }
            store.write(functools.partial(save_volume, channel=channel.name, values=values))


def _comes_in_files(config: Config, channel: Channel) -> bool:
    """Whether its orders come when a person brings them: their absence tells nothing."""
    kind = class_of(config.connections[channel.source].system)
    return has(kind, SendsOrders) and kind.sends_by == "file"  # type: ignore[attr-defined]  # as it declares


def _look(c: Connection, channel: Channel) -> tuple[Volume, dt.datetime | None, dt.datetime]:
    now, placed = clock(c), placed_between(c, channel.name)
    if placed is None:
        return Volume(Verdict.LEARNING), None, now
    first, last = placed
    found = judge(_windows(c, channel, now, first), float(channel.watch.volume_factor))
    return found, last, now


def _windows(c: Connection, channel: Channel, now: dt.datetime, first: dt.datetime) -> Iterator[Window]:
    for hours in SCALES:
        length = dt.timedelta(hours=hours)
        ends = [end for end in weeks_before(now, channel.timezone, channel.watch.volume_weeks) if end - length >= first]
        current, *before = count_placed(c, channel.name, [(end - length, end) for end in (now, *ends)])
        yield Window(hours, current, before)


def weeks_before(now: dt.datetime, timezone: str, weeks: int) -> list[dt.datetime]:
    """The same moment of the week before, and of the ones before that, by the clock on the shop's wall."""
    local = now.astimezone(ZoneInfo(timezone))
    return [(local - dt.timedelta(weeks=week)).astimezone(dt.UTC) for week in range(1, weeks + 1)]


def volume_views(c: Connection, config: Config) -> dict[str, VolumeView]:
    """Channel -> what was found last, of those that are watched."""
    found: dict[str, VolumeView] = {}
    for name, row in load_volumes(c).items():
        if name in config.channels and config.channels[name].watch.volume:
            found[name] = _view(row)
    return found


def _view(row: dict[str, Any]) -> VolumeView:
    volume = Volume(Verdict(row["verdict"]), row["hours"], row["usual"], row["now"])
    return VolumeView(row["channel"], row["at"], volume, row["last_at"])


def told(view: VolumeView) -> Phrase | None:
    """The figures, where they are news."""
    volume = view.volume
    if volume.verdict not in {Verdict.FEWER, Verdict.MORE}:
        return None
    values: dict[str, object] = {"usual": volume.usual, "now": volume.now, "hours": volume.hours}
    if volume.now or view.last_at is None:
        return say("usual in the last %(hours)s h: %(usual)s; now: %(now)s", **values)
    values["since"] = f"{view.last_at:%Y-%m-%d %H:%M}"
    return say("usual in the last %(hours)s h: %(usual)s; now: 0, the last one at %(since)s UTC", **values)
