"""What is wrong with a connection to the sandbox ERP, before an order finds out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from connectors.kit.base import KeyDeclaration
from connectors.kit.errors import ConnectionBroken, ConnectorError
from connectors.kit.findings import N_, Finding, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.words import say
from connectors.sandbox_erp.client import Client

CHECKS: Final[Mapping[str, str]] = {
    "sandbox_erp.address": N_("the ERP answers"),
    "sandbox_erp.clock": N_("the ERP's clock and ours agree"),
    "sandbox_erp.key": N_("the key is accepted"),
    "sandbox_erp.settle": N_("the ERP says when a write can no longer land"),
    "sandbox_erp.enforced_key": N_("the ERP enforces our key"),
}


def diagnose(
    client: Client, keys: Mapping[str, KeyDeclaration], settle_bound_s: Callable[[], float | None]
) -> Iterator[Finding]:
    """See `CHECKS`; `settle_bound_s` asks for what the sandbox declares."""
    asked_at = dt.datetime.now(dt.UTC)
    try:
        answer = client.http.request("GET", "_sandbox/info", anonymous=True)
    except ConnectorError as error:
        yield fail("sandbox_erp.address", str(error), say("correct `url`, or start it: crossdock sandbox erp"))
        return
    answered_at = dt.datetime.now(dt.UTC)
    yield ok("sandbox_erp.address", say("it answers"))
    yield of_clock("sandbox_erp.clock", answer.headers.get("Date", ""), asked_at, answered_at)
    yield _key_accepted(client)
    yield _settles(settle_bound_s())
    yield _enforced(keys)


def _key_accepted(client: Client) -> Finding:
    check = "sandbox_erp.key"
    try:
        client.get("api/products", [("code", "-")])
    except ConnectionBroken:
        return fail(check, say("the ERP refuses the key"), say("correct `auth.key`"))
    except ConnectorError as error:
        return of_error(check, error)
    return ok(check, say("products can be read"))


def _settles(bound_s: float | None) -> Finding:
    check = "sandbox_erp.settle"
    if bound_s is None:
        return unknown(check, say("it does not say; the connection's `settle_s` counts"))
    return ok(check, say("%(bound_s)s s after its start", bound_s=f"{bound_s:.1f}"))


def _enforced(keys: Mapping[str, KeyDeclaration]) -> Finding:
    check = "sandbox_erp.enforced_key"
    if keys["sale"].enforced:
        return ok(check, say("external_key, by the option `enforced_key`; prove it: crossdock doctor --prove-key"))
    step = say("set `enforced_key: true` if the ERP can; else drafts are read back and doubled ones deleted")
    return warn(check, say("by the option `enforced_key` it does not"), step)
