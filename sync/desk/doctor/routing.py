"""The check-up of a channel's routing: its warehouses, and the stock that decides between them."""

from __future__ import annotations

import datetime as dt
from typing import Final, cast

from connectors.kit.errors import ConnectorError
from connectors.kit.findings import Finding, fail, of_error, ok, warn
from connectors.kit.stock import StockSource
from connectors.registry import has
from sync.desk.doctor.words import moment_shown
from sync.desk.phrases import say
from sync.rules.systems import ChannelSystems
from sync.store.checkpoints import load_checkpoint_row
from sync.store.engine import Store
from sync.store.stock.levels import CHANGES

CHECK: Final = "channel.routing"


def routing_finding(systems: ChannelSystems, store: Store | None) -> Finding:
    """One finding; `store` is None while the database has no tables."""
    routing, erp = systems.channel.routing, systems.channel.erp
    if not routing.rules:
        return ok(CHECK, say("no rules: the ERP, or `policies.target`, says which warehouse sends"))
    if not has(systems.target, StockSource):
        return _of_silent_erp(systems)
    try:
        known = {location.code for location in cast("StockSource", systems.target).list_locations()}
    except ConnectorError as error:
        return of_error(CHECK, error)
    if missing := [code for code in routing.warehouses if code not in known]:
        found = say(
            "%(erp)s has no warehouse %(missing)s; it has %(known)s",
            erp=erp,
            missing=", ".join(missing),
            known=", ".join(sorted(known)),
        )
        return fail(CHECK, found, say("name warehouses by their codes in the ERP"))
    if routing.asks_stock and store is not None and (late := _late(systems, store)):
        return late
    return ok(CHECK, say("orders are sent from %(known)s", known=", ".join(routing.warehouses)))


def _of_silent_erp(systems: ChannelSystems) -> Finding:
    if not systems.channel.routing.asks_stock:
        return ok(CHECK, say("no rule asks for stock"))
    found = say(
        "%(erp)s does not tell its stock, and a rule needs a warehouse that has all of an order",
        erp=systems.channel.erp,
    )
    return fail(CHECK, found, say("let every rule of the channel need `always`"))


def _late(systems: ChannelSystems, store: Store) -> Finding | None:
    """Orders then wait for a reading of their own, one after the other."""
    looked = store.read(lambda c: load_checkpoint_row(c, systems.channel.erp, CHANGES))
    step = say("see that `crossdock run` is running and that no pause holds it")
    if looked is None:
        return warn(CHECK, say("the stock of %(erp)s was never read", erp=systems.channel.erp), step)
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=systems.channel.routing.max_age_s)
    if looked.updated_at >= oldest:
        return None
    found = say(
        "what moved in %(erp)s was last asked for at %(at)s",
        erp=systems.channel.erp,
        at=moment_shown(looked.updated_at),
    )
    return warn(CHECK, found, step)
