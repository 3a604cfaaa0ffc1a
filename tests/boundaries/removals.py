"""Taking one safeguard out of the code, from outside: each must make a case go red, or the tests prove nothing."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping

from connectors.sandbox_erp import SandboxErp
from sync.flows import context
from sync.flows.context import Clock
from sync.flows.stock import choice
from sync.rules import systems
from sync.store import inbox, intents, items
from sync.work import settle
from tests.sync.flows.erp import Erp

#: `setattr`, or a test's own that puts things back.
Patch = Callable[[object, str, object], object]


def take_out(name: str, patch: Patch = setattr) -> None:
    """In this process and its children; nothing for an empty name."""
    if name:
        REMOVALS[name](patch)


def _look_up(patch: Patch) -> None:
    """Nothing is found under a key, whenever it is looked for: after doubt, before the first write, read back."""
    for target in (SandboxErp, Erp):
        patch(target, "find_sales", lambda target, keys: {})


def _intent(patch: Patch) -> None:
    """Nobody writes down what is about to be sent."""
    numbers = itertools.count(-1, -1)

    def open_intents(connection, lease, wanted, **times):
        return {entry.key: next(numbers) for entry in wanted}

    patch(context, "open_intents", open_intents)


def _settle(patch: Patch) -> None:
    """A look-up that finds nothing is believed at once."""
    patch(systems, "settle_s", lambda connection, target: 0.0)


def _fence_of_claims(patch: Patch) -> None:
    """Items are claimed for a lease that may be gone, so that nobody ever takes them back."""
    patch(items, "demand_lease", lambda connection, lease: None)


def _fence(patch: Patch) -> None:
    """Writes do not name the lease any more, and nobody looks how much of it is left."""
    for module in (context, inbox, intents, items):
        patch(module, "demand_lease", lambda connection, lease: None)
    leave = items.leave

    def unfenced(connection, lease, leaves):
        for entry in leaves:
            token = connection.execute(
                items.select(items.work_items.c.lease_token).where(items.work_items.c.id == entry.item.id)
            ).scalar_one()
            leave(connection, dataclasses.replace(lease, token=token), [entry])

    patch(settle, "leave", unfenced)
    patch(Clock, "left_s", lambda clock: float("inf"))


def _unheard(patch: Patch) -> None:
    """What a shop shows less than we left there is no reason to wait for its orders."""
    patch(choice, "_may_rise", lambda drain, piece, place: True)


REMOVALS: Mapping[str, Callable[[Patch], None]] = {
    "look_up": _look_up,
    "intent": _intent,
    "settle": _settle,
    "fence": _fence,
    "fence_of_claims": _fence_of_claims,
    "unheard": _unheard,
}
