"""Goods have come: orders that are held for want of them go on by themselves."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from config.model import Config, ShortLines
from sync.flows.stock.supply import Supply
from sync.rules.routing import SHORT_STOCK, may_be_there
from sync.store.marking import release
from sync.store.stock.captured import list_short


def release_waiting_for_goods(connection: Connection, config: Config, erp: str, codes: Collection[str]) -> int:
    """Have orders looked at again that wait for some of these articles, where all of it is there now.

    Which of their rules fit is for their drain to see. Answers how many.
    """
    released = 0
    for channel in config.routed_channels(erp):
        if channel.routing.short is not ShortLines.HOLD:
            continue
        waiting = list_short(connection, channel.name, codes, SHORT_STOCK)
        supply = Supply(connection, config, channel, {code for order in waiting for code in order.wanted})
        enough = []
        for order in waiting:
            there = supply.there(order.order_id, order.placed_at, order.wanted)
            counted = {code: quantity for code, quantity in order.wanted.items() if code in there}
            if may_be_there(channel.routing, counted, there):
                enough.append(order.item_id)
        released += release(connection, enough)
    return released
