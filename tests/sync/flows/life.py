"""The life of orders as a state machine: everything that may happen to one, in any order, and what must stay true."""

from __future__ import annotations

import collections
from typing import Any

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from connectors.kit.base import JsonDict, Rank
from sync.desk.steering import approve_order, reject_order, retry_orders
from sync.flows.resync import compare_and_mark, mark_resting
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.issues import causes_of
from sync.store.marking import release
from sync.store.payloads import BODY, WITH_BODIES
from sync.store.states import CLAIMABLE
from sync.store.switches import pause, resume
from sync.store.tables import events, intents
from sync.work.drain import drain_channel
from tests.databases import empty, now
from tests.logs import log_plainly
from tests.sync.flows.shop import PLACED, event, total_of
from tests.sync.flows.world import CHANNEL, World

#: The status policy's answer to these, unpaid where the shop waits for the money.
IMPORTED = {"processing", "completed"}
WAITING = {"pending", "on-hold"}
LEFT_OUT = {"cancelled", "trash", "failed", "checkout-draft"}
STATES = sorted(IMPORTED | WAITING | LEFT_OUT)
GOOD = {"TASSE", "KANNE"}
#: Looks that everything must have come to rest within.
_ROUNDS = 25

WRITE_FAULTS = st.sampled_from(
    [
        *("transient", "limited", "broken", "rejected", "defect"),
        *("landed", "late", "never", "crash", "crash_landed", "crash_late", "zombie"),
    ]
)
READ_FAULTS = st.sampled_from(["transient", "limited", "broken", "defect", "crash"])
CHOICE = st.integers(0, 1000)


class Life(RuleBasedStateMachine):
    """Orders 1, 2, 3 ... of one channel; a rule that needs an order takes one by a number modulo their count."""

    #: Set by the test; emptied for each example.
    store: Store

    @initialize(enforced=st.booleans(), bulk=st.sampled_from([1, 3]), trusted=st.booleans())
    def begin(self, *, enforced: bool, bulk: int, trusted: bool) -> None:
        log_plainly(structlog.ReturnLoggerFactory())
        empty(self.store)
        self.world = World(self.store, enforced=enforced, bulk=bulk, trusted=trusted)
        self.world.erp.watch = self._watch
        self.world.erp.meanwhile = self._meanwhile
        self.shop = self.world.shop
        #: What went wrong where an exception would have been taken for the target's.
        self.wrongs: list[str] = []
        #: Order -> its state as the running drain may know it at best.
        self.told: dict[str, str] = {}
        #: Order -> `wanted` when a person rejected it.
        self.rejected: dict[str, int] = {}
        self.approved: set[str] = set()
        self.skus: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.heal()

    def _pick(self, choice: int) -> str:
        ids = sorted(self.shop.versions, key=int)
        return ids[choice % len(ids)]

    def _has_orders(self) -> bool:
        return bool(self.shop.versions)

    # --- in the shop --------------------------------------------------------------------------------------------

    @rule(
        status=st.sampled_from(STATES + ["processing"] * 6),
        sku=st.sampled_from(["TASSE"] * 6 + ["KANNE", "UNKNOWN", "REFUSED", "DEFECT", "KILLER"]),
        total=st.sampled_from(["20.00", "7.50"]),
        customer=st.sampled_from("aab"),
        told=st.booleans(),
    )
    def place(self, status: str, sku: str, total: str, customer: str, *, told: bool) -> None:
        if len(self.shop.versions) >= 6:
            return
        order = self.shop.place(sku=sku, total=total, customer=customer, **_state(status))
        self.skus[order] = sku
        if told:
            self.world.tell(event(self.shop.orders[order]))

    @precondition(_has_orders)
    @rule(choice=CHOICE, status=st.sampled_from(STATES), same_second=st.booleans())
    def change_state(self, choice: int, status: str, *, same_second: bool) -> None:
        if (order := self._pick(choice)) in self.shop.orders:
            self.shop.change(order, same_second=same_second, **_state(status))

    @precondition(_has_orders)
    @rule(choice=CHOICE, total=st.sampled_from(["20.00", "7.50", "33.33"]))
    def edit(self, choice: int, total: str) -> None:
        if (order := self._pick(choice)) in self.shop.orders:
            self.shop.edit_total(order, total)

    @precondition(_has_orders)
    @rule(choice=CHOICE, note=st.sampled_from(["", "bitte klingeln"]), same_second=st.booleans())
    def annotate(self, choice: int, note: str, *, same_second: bool) -> None:
        if (order := self._pick(choice)) in self.shop.orders:
            self.shop.change(order, same_second=same_second, customer_note=note)

    @precondition(_has_orders)
    @rule(choice=CHOICE)
    def delete(self, choice: int) -> None:
        if (order := self._pick(choice)) in self.shop.orders:
            self.shop.delete(order)

    # --- what reaches us ----------------------------------------------------------------------------------------

    @precondition(_has_orders)
    @rule(choices=st.lists(st.tuples(CHOICE, CHOICE), min_size=1, max_size=3), poll=st.booleans())
    def deliver(self, choices: list[tuple[int, int]], *, poll: bool) -> None:
        """Any versions of any orders, in any order, as often as it likes."""
        rows = []
        for choice, version in choices:
            versions = self.shop.versions[self._pick(choice)]
            rows.append(event(versions[version % len(versions)]))
        self.world.tell(*rows)
        if poll:
            self.poll()

    @rule()
    def poll(self) -> None:
        self.world.pull()

    # --- drains and what becomes of them ------------------------------------------------------------------------

    @rule(action=st.sampled_from(["create", "advance", "create", "party", "delete"]), kind=WRITE_FAULTS, after=CHOICE)
    def spoil_write(self, action: str, kind: str, after: int) -> None:
        self.world.erp.fail(action, kind, after % 30)

    @rule(action=st.sampled_from(["find", "resolve"]), kind=READ_FAULTS)
    def spoil_read(self, action: str, kind: str) -> None:
        self.world.erp.fail(action, kind)

    @rule()
    def drain(self) -> None:
        self._told()
        self.world.drain()

    @rule(boundary=st.integers(1, 25))
    def drain_and_die(self, boundary: int) -> None:
        self._told()
        self.world.fragile.countdown = boundary
        self.world.drain()

    @rule(boundary=st.integers(1, 25))
    def drain_and_sleep(self, boundary: int) -> None:
        """A drain that is stopped past its lease, while others take over, and then goes on."""
        self._told()
        die = self.world.fragile.strike
        self.world.fragile.strike = self._meanwhile
        self.world.fragile.countdown = boundary
        self.world.drain()
        self.world.fragile.strike = die

    def _meanwhile(self) -> None:
        self.world.erp.meanwhile = lambda: None
        self.world.settle()
        before = self.told
        self._told()
        systems = self.world.systems.channel(CHANNEL)
        try:
            drain_channel(self.store, systems, "order", ring=self.world.bell.ring)
        except BaseException as crash:
            if type(crash).__name__ != "Crash":
                raise
            self.world.erp.is_dead = False
        self.told = before
        self.world.erp.meanwhile = self._meanwhile

    @rule(seconds=st.sampled_from([1, 16, 45, 100]))
    def wait(self, seconds: int) -> None:
        self.world.forward(seconds)
        self.world.dispatcher.recover()

    # --- what people do -----------------------------------------------------------------------------------------

    @precondition(_has_orders)
    @rule(choice=CHOICE)
    def retry(self, choice: int) -> None:
        if found := self.world.find(self._pick(choice)):
            retry_orders(self.store, orders=found[:1], actor=Actor("test"))

    @precondition(_has_orders)
    @rule(choice=CHOICE)
    def approve(self, choice: int) -> None:
        if found := self.world.find(order := self._pick(choice)):
            try:
                approve_order(self.store, found[0], actor=Actor("test"), reason="test")
            except LookupError:
                return
            self.approved.add(order)

    @precondition(_has_orders)
    @rule(choice=CHOICE)
    def reject(self, choice: int) -> None:
        found = self.world.find(order := self._pick(choice))
        try:
            if found and reject_order(self.store, found[0], actor=Actor("test"), reason="test"):
                self.rejected[order] = self.world.item(order).wanted
        except LookupError:
            return

    @rule(scope=st.sampled_from(["channel", "connection"]))
    def pause(self, scope: str) -> None:
        name = CHANNEL if scope == "channel" else "erp"
        self.world.write(lambda c: pause(c, scope, name, "a person says so"))

    @rule()
    def resume(self) -> None:
        def work(c: Any) -> None:
            for scope, name in (("channel", CHANNEL), ("connection", "erp"), ("connection", "shop")):
                resume(c, scope, name)

        self.world.write(work)

    @rule()
    def resync(self) -> None:
        mark_resting(self.store, CHANNEL, now())

    @rule()
    def compare(self) -> None:
        compare_and_mark(self.store, self.world.systems.channel(CHANNEL), PLACED, now())

    # --- what must stay true ------------------------------------------------------------------------------------

    def _told(self) -> None:
        """The newest version that is stored, or the current one where a worker will fetch it."""
        rows = self.world.items()
        ids = [row.event_id for row in rows if row.event_id]
        bodies = {
            row.id: load_json(unpack(row.body))["status"]
            for row in self.world.rows(select(events.c.id, BODY).select_from(WITH_BODIES).where(events.c.id.in_(ids)))
        }
        self.told = {}
        for row in rows:
            fetched = row.event_id is None or "fetch" in row.facets
            current = self.shop.orders.get(row.external_id, {}).get("status", "deleted")
            self.told[row.external_id] = current if fetched else bodies[row.event_id]

    def _watch(self, payload: JsonDict) -> None:
        order = payload["external_key"].partition(":")[2]
        if self.told.get(order) not in IMPORTED:
            self.wrongs.append(f"order {order} was sent while the shop said {self.told.get(order)}")
        if order in self.rejected and self.world.item(order).wanted == self.rejected[order]:
            self.wrongs.append(f"order {order} was sent although a person had rejected it")

    @invariant()
    def all_of_it_holds(self) -> None:
        self.nothing_was_sent_that_the_policy_leaves_out()
        self.every_item_has_an_owner_or_can_be_claimed_or_rests()
        self.no_key_has_two_confirmed_sales_and_no_sale_was_confirmed_twice()
        self.every_binding_names_a_sale_that_is_there()
        self.no_key_has_two_open_intents()

    def nothing_was_sent_that_the_policy_leaves_out(self) -> None:
        assert not self.wrongs, self.wrongs

    def every_item_has_an_owner_or_can_be_claimed_or_rests(self) -> None:
        living = {row.token for row in self.world.leases()}
        for row in self.world.items():
            assert row.done <= row.wanted, row
            if row.state == "leased":
                assert row.lease_token in living, row
            else:
                assert row.lease_token is None, row
                assert row.state in CLAIMABLE or row.done == row.wanted, row

    def no_key_has_two_confirmed_sales_and_no_sale_was_confirmed_twice(self) -> None:
        confirmed = collections.Counter(
            sale.key for sale in self.world.erp.sales.values() if sale.rank is Rank.CONFIRMED
        )
        assert all(count == 1 for count in confirmed.values()), confirmed
        assert all(sale.confirmed <= 1 for sale in self.world.erp.sales.values())
        if self.world.erp.keys["sale"].enforced:
            keys = collections.Counter(sale.key for sale in self.world.erp.sales.values())
            assert all(count == 1 for count in keys.values()), keys

    def every_binding_names_a_sale_that_is_there(self) -> None:
        for row in self.world.bindings():
            sale = self.world.erp.sales[int(row.external_id)]
            assert sale.key == f"{CHANNEL}:{row.order}"

    def no_key_has_two_open_intents(self) -> None:
        table = intents.c
        query = select(table.kind, table.key).where(table.closed_at.is_(None)).group_by(table.kind, table.key)
        assert not self.world.rows(query.having(func.count() > 1))

    # --- and how it must end ------------------------------------------------------------------------------------

    @rule()
    def heal(self) -> None:
        """Nothing fails any more, everybody has done what was asked of them, and time passes."""
        world = self.world
        world.erp.faults.clear()
        self.shop.errors.clear()
        self.resume()
        self._release_what_was_only_spoiled()
        for _ in range(_ROUNDS):
            world.settle()
            world.pull()
            self.drain()
            self.resume()
            if self._is_quiet():
                break
        else:
            raise AssertionError(f"it does not come to rest: {world.items()} {world.open_intents()}")
        for order in self.shop.versions:
            self._judge(order)

    def _release_what_was_only_spoiled(self) -> None:
        parked = [row.id for row in self.world.items() if row.state == "parked"]
        self.world.write(lambda c: release(c, parked))

    def _is_quiet(self) -> bool:
        world = self.world
        rest = all(row.state not in {*CLAIMABLE, "leased"} for row in world.items())
        return rest and not world.open_intents() and not world.leases() and not world.erp.is_awaited

    def _judge(self, order: str) -> None:
        item, sales = self.world.item(order), self.world.sales(order)
        current = self.shop.orders.get(order)
        assert len(sales) <= 1, f"order {order} stands {len(sales)} times"
        causes = {row[0] for row in self.store.read(lambda c: causes_of(c, [item.id])).get(item.id, [])}
        assert bool(causes) == (item.state in {"held", "parked"}), f"{item}: {causes}"
        if sales:
            assert self.world.bindings(order), f"order {order} has a sale that we do not know of: {item}"
        if item.state == "done":
            assert sales, f"order {order} counts as done and has no sale: {item}"
            assert sales[0].rank is Rank.CONFIRMED
            if order not in self.approved:
                assert current is not None
                assert current["status"] not in LEFT_OUT
                assert sales[0].total == total_of(current)
        elif item.state in {"waiting", "skipped"}:
            assert not sales or order in self.approved, f"order {order} is left out and has a sale: {item}"
            excused = order in self.rejected or order in self.approved
            assert excused or current is None or current["status"] not in IMPORTED, item
        else:
            assert causes <= self._excuses(order), f"order {order} is {item.state} for no good reason: {item}"

    def _excuses(self, order: str) -> set[str]:
        """What may hold this order, by what it is and what happened to it."""
        sku = self.skus[order]
        excuses = {
            "UNKNOWN": {"unknown_sku", "unmapped"},
            "REFUSED": {"rejected"},
            "DEFECT": {"internal"},
            "KILLER": {"kills_the_worker"},
        }.get(sku, set())
        # One that is never written cannot have been changed after it was.
        versions = self.shop.versions[order]
        if order not in self.shop.orders:
            excuses = excuses | {"gone_in_shop"}
        if any(version["status"] in LEFT_OUT for version in versions):
            excuses = excuses | {"cancelled_after_import"}
        if len({version["total"] for version in versions}) > 1:
            excuses = excuses | {"changed_after_import", "target_amount"}
        return excuses


def _state(status: str) -> dict[str, Any]:
    return {"status": status} | ({"date_paid_gmt": None} if status in WAITING else {})
