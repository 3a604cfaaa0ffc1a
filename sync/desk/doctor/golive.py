"""What only use can show: somebody can sign in, an order has gone through, both sides agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from config.model import Config
from connectors.kit.findings import N_, Finding, ok, unknown, warn
from sync.desk.doctor.words import moment_shown
from sync.store.bindings import count_linked
from sync.store.engine import Store
from sync.store.items import count_states
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
            return warn(check, "there is no administrator", "add one: crossdock user add LOGIN --role admin")
        return ok(check, f"{admins} administrators, {self._store.read(count_users)} users")

    def _orders(self) -> Finding:
        check = "golive.orders"
        linked = self._store.read(count_linked)
        bare = [name for name in sorted(self._config.channels) if not linked.get(name)]
        if bare:
            step = "place a test order in the shop and see it through: crossdock orders"
            return warn(check, f"no order of {', '.join(bare)} is in the ERP yet", step)
        return ok(check, ", ".join(f"{name}: {linked[name]}" for name in sorted(self._config.channels)))

    def _needs(self) -> Finding:
        check = "golive.needs"
        counts = self._store.read(count_states)
        needs = sum(count for (_, state), (count, _) in counts.items() if state in STOPPED)
        doubts = sum(count for (_, state), (count, _) in counts.items() if state == ItemState.RECONCILE)
        if needs:
            return warn(check, f"{needs} orders need somebody", "see why: crossdock status, or the page Needs you")
        if doubts:
            return warn(check, f"{doubts} writes are being looked up", "wait until they are settled")
        return ok(check, "no order is held, parked or in doubt")

    def _proof(self) -> Finding:
        check = "golive.proof"
        proofs = self._store.read(lambda c: last_reports(c, "proof"))
        missing = [name for name in sorted(self._config.channels) if name not in proofs]
        broken = [name for name in sorted(self._config.channels) if name in proofs and not proofs[name].ok]
        if broken:
            step = f"see every difference with its ids: crossdock proof {' '.join(broken)}"
            return warn(check, f"the last proof of {', '.join(broken)} does not hold", step)
        if missing:
            return unknown(check, f"{', '.join(missing)} was never proven", f"crossdock proof {' '.join(missing)}")
        if not self._config.channels:
            return unknown(check, "there is no channel")
        oldest = min(proofs[name].at for name in self._config.channels)
        return ok(check, f"every channel's last proof holds; the oldest is of {moment_shown(oldest)}")
