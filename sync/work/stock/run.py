"""One run of a channel's stock: its orders first, then what moved in the ERP; the drains do the rest."""

from __future__ import annotations

from collections.abc import Callable

from config.model import Channel
from sync.flows.stock.ahead import capture_ahead
from sync.flows.stock.reading import Reader
from sync.flows.stock.spread import mark_everything, spread
from sync.rules.stock_systems import stock_systems
from sync.store import schedule
from sync.store.checkpoints import load_checkpoint
from sync.store.stock.items import KIND, release_waiting
from sync.store.stock.levels import CHANGES
from sync.store.switches import find_pause, pauses
from sync.work.runtime import Runtime


def run_stock(
    runtime: Runtime,
    name: str,
    *,
    full: bool,
    pull_orders: Callable[[], object],
) -> str:
    """Run once; `full` reads every article and compares every one with the shop. Answers what was done, in words.

    Raises what the shop's or the ERP's connector raises; what was sold meanwhile is taken off all the same.
    """
    channel = runtime.config.channels[name]
    systems = stock_systems(runtime.systems, name)
    pull_orders()
    capture_ahead(runtime.store, runtime.systems, channel.erp)
    paused = find_pause(runtime.store.read(pauses), connections=(channel.erp,))
    count = 0
    try:
        if paused is None:
            count = _read(runtime, channel, Reader(runtime.store, runtime.config, channel.erp, systems.erp), full=full)
    finally:
        marked = mark_everything(runtime.store, runtime.config, name) if full else 0
        while spread(runtime.store, runtime.config):
            continue
        runtime.bell.ring(name, KIND)
    if paused is not None:
        return f"{channel.erp} is paused and was not read: {paused.reason}"
    compared = f", {marked} to be compared with the shop" if full else ""
    return f"{count} articles read in {channel.erp}{compared}"


def _read(runtime: Runtime, channel: Channel, reader: Reader, *, full: bool) -> int:
    store = runtime.store
    if store.read(lambda c: load_checkpoint(c, channel.erp, CHANGES)) is None:
        _look_at_open_orders(runtime, channel.erp)
    count = reader.changed()
    if full:
        count = reader.everything()
    for each in runtime.config.stock_channels(channel.erp):
        store.write(lambda c, each=each: release_waiting(c, each.name))  # type: ignore[misc]
    return count


def _look_at_open_orders(runtime: Runtime, erp: str) -> None:
    """Orders from before anybody kept stock here take of it too: each is looked at once more."""
    names = [channel.name for channel in runtime.config.channels.values() if channel.erp == erp]
    for name in names:
        runtime.store.write(lambda c, name=name: schedule.ask(c, f"resync:{name}"))  # type: ignore[misc]
