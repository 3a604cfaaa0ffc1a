"""What only use can show: somebody can sign in, an order has gone through, both sides agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from config.model import Config
from connectors.kit.findings import N_, Finding, ok, unknown, warn
from sync.desk.doctor.words import moment_shown
from sync.desk.phrases import quote, say
from sync.store.backlog import count_states
from sync.store.bindings import count_linked
from sync.store.engine import Store
from sync.store.reports import last_reports
from sync.store.states import STOPPED, ItemState
from sync.store.users import count_users

CHECKS: Final[Mapping[str, str]] = {
    "golive.users": N_("somebody can sign in to the console"),
    "golive.orders": N_("an order of each channel is in the ERP"),
    "golive.needs": N_("nothing waits for a person"),
    "golive.proof": N_("shop, Crossdock and ERP agree"),
}


class GoLive:
    """The installation in use."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store

    def run(self) -> Iterator[Finding]:
        """Every check."""
        yield self._users()
        yield self._orders()
        yield self._needs()
        yield self._proof()

    def _users(self) -> Finding:
        check, admins = "golive.users", self._store.read(lambda c: count_users(c, role="admin"))
        if not admins:
            return warn(check, say("there is no administrator"), say("add one: crossdock user add LOGIN --role admin"))
        return ok(
            check, say("%(admins)s administrators, %(users)s users", admins=admins, users=self._store.read(count_users))
        )

    def _orders(self) -> Finding:
        check = "golive.orders"
        linked = self._store.read(count_linked)
        bare = [name for name in sorted(self._config.channels) if not linked.get(name)]
        if bare:
            step = say("place a test order in the shop and see it through: crossdock orders")
            return warn(check, say("no order of %(bare)s is in the ERP yet", bare=", ".join(bare)), step)
        return ok(check, quote(", ".join(f"{name}: {linked[name]}" for name in sorted(self._config.channels))))

    def _needs(self) -> Finding:
        check = "golive.needs"
        counts = self._store.read(count_states)
        needs = sum(count for (_, state), (count, _) in counts.items() if state in STOPPED)
        doubts = sum(count for (_, state), (count, _) in counts.items() if state == ItemState.RECONCILE)
        if needs:
            return warn(
                check,
                say("%(needs)s orders need somebody", needs=needs),
                say("see why: crossdock status, or the page Needs you"),
            )
        if doubts:
            return warn(
                check, say("%(doubts)s writes are being looked up", doubts=doubts), say("wait until they are settled")
            )
        return ok(check, say("no order is held, parked or in doubt"))

    def _proof(self) -> Finding:
        check = "golive.proof"
        proofs = self._store.read(lambda c: last_reports(c, "proof"))
        missing = [name for name in sorted(self._config.channels) if name not in proofs]
        broken = [name for name in sorted(self._config.channels) if name in proofs and not proofs[name].ok]
        if broken:
            step = say("see every difference with its ids: crossdock proof %(broken)s", broken=" ".join(broken))
            return warn(check, say("the last proof of %(broken)s does not hold", broken=", ".join(broken)), step)
        if missing:
            return unknown(
                check,
                say("%(missing)s was never proven", missing=", ".join(missing)),
                quote(f"crossdock proof {' '.join(missing)}"),
            )
        if not self._config.channels:
            return unknown(check, say("there is no channel"))
        oldest = min(proofs[name].at for name in self._config.channels)
        return ok(
            check, say("every channel's last proof holds; the oldest is of %(oldest)s", oldest=moment_shown(oldest))
        )
